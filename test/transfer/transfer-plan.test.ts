import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashBytes, objectPath } from '../../src/base/hash.ts';
import type { Remote } from '../../src/base/remote.ts';
import type { ContentHash } from '../../src/base/types.ts';
import { findPresent } from '../../src/transfer/transfer-plan.ts';
import { createMemoryRemote } from '../remotes/memory-remote.ts';

const { signal } = new AbortController();

test('what a remote refuses once is not asked thousands of times', async () => {
  const hashes = Array.from({ length: 5000 }, (_, i) => hashBytes('sha256', String(i)));
  let count = 0;
  const remote: Remote = {
    ...createMemoryRemote(new Map()),
    limits: { concurrency: 4, listless: true },
    async head() {
      count++;
      throw new Error('refused');
    },
  };
  await assert.rejects(findPresent(remote, new Set(hashes), signal), /refused/);
  assert.equal(count, 4);
});

/** A remote of many objects in pages of 100, and how often it was asked for what. */
function countedRemote(there: readonly ContentHash[]): {
  remote: Remote;
  counts: { listed: number; asked: number };
} {
  const memory = createMemoryRemote(new Map(there.map((hash) => [objectPath(hash), Buffer.from('12')])));
  const counts = { listed: 0, asked: 0 };
  const remote: Remote = {
    ...memory,
    limits: { concurrency: 4, page: 100 },
    head(key, given) {
      counts.asked++;
      return memory.head(key, given);
    },
    async *list(prefix, given) {
      for await (const entry of memory.list(prefix, given)) {
        counts.listed++;
        yield entry;
      }
    },
  };
  return { remote, counts };
}

const hashesOf = (name: string, count: number): readonly ContentHash[] =>
  Array.from({ length: count }, (_, i) => hashBytes('md5', `${name} ${i}`));

test('a few objects are not looked for among all that others have put there', async () => {
  const [mine, others] = [hashesOf('mine', 20), hashesOf('other', 5000)];
  const { remote, counts } = countedRemote([...others, ...mine.slice(0, 12)]);
  const present = await findPresent(remote, new Set(mine), signal);
  assert.deepEqual(
    [...present],
    mine.slice(0, 12).map((hash) => [hash, 2]),
  );
  // As many pages as asking by name takes rounds, and then that.
  assert.deepEqual(counts, { listed: 500, asked: 20 });
});

test('a listing ends once all is found, and one that comes to its end leaves nothing to ask for', async () => {
  const mine = hashesOf('mine', 20);
  const all = countedRemote([...mine, ...hashesOf('other', 5000)]);
  assert.equal((await findPresent(all.remote, new Set(mine), signal)).size, 20);
  assert.deepEqual(all.counts, { listed: 20, asked: 0 });
  const some = countedRemote([...mine.slice(0, 12), ...hashesOf('other', 300)]);
  assert.equal((await findPresent(some.remote, new Set(mine), signal)).size, 12);
  assert.deepEqual(some.counts, { listed: 312, asked: 0 });
});
