import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { PipelineError } from '../../src/base/error.ts';
import type { Remote, Source } from '../../src/base/remote.ts';
import { fetchResults } from '../../src/transfer/fetch-results.ts';
import { entryPathOf, formatRunEntry } from '../../src/record/runs.ts';
import { createDemo, succeeded } from '../commands/projects.ts';
import { shellResult } from '../record/rig.ts';
import { createMemoryRemote } from '../remotes/memory-remote.ts';

const { signal } = new AbortController();
const given = { name: 'origin', accepts: () => true, emit: () => undefined, signal };

/** A remote that has the one entry of a demo, and whose downloads break off so often. */
async function entryRemote(breaks: number): Promise<{ readonly remote: Remote; readonly key: string }> {
  const rig = await createDemo();
  succeeded(await rig.lockstep(['push', '--run-cache']));
  const [folder = ''] = readdirSync(rig.path('remote/runs'));
  const [name = ''] = readdirSync(rig.path(`remote/runs/${folder}`));
  const key = `runs/${folder}/${name}`;
  const bytes = rig.bytes(`remote/${key}`);
  const memory = createMemoryRemote(new Map([[key, bytes]]));
  async function* half(): AsyncGenerator<Uint8Array, void, undefined> {
    yield bytes.subarray(0, bytes.length / 2);
    throw new PipelineError('remote.unreachable', 'broken off', { retryable: true });
  }
  let count = 0;
  const get = async (...given: Parameters<Remote['get']>): Promise<Source> =>
    count++ < breaks ? { stream: Readable.from(half()) } : memory.get(...given);
  return { remote: { ...memory, get }, key };
}

test('a run-cache entry that breaks off is asked for again, from its start', async () => {
  const { remote, key } = await entryRemote(2);
  const found = await fetchResults({ remote, keys: [key], ...given });
  assert.equal(found.length, 1);
});

test('a run-cache entry that always breaks off is told', async () => {
  const { remote, key } = await entryRemote(3);
  await assert.rejects(fetchResults({ remote, keys: [key], ...given }), /broken off/);
});

test('a sound entry under the name of another one is not taken', async () => {
  const result = shellResult('one');
  const [key, other] = [result, shellResult('another')].map((one) => entryPathOf(one.fingerprint));
  assert.ok(key !== undefined && other !== undefined);
  const bytes = Buffer.from(formatRunEntry(result));
  const remote = createMemoryRemote(
    new Map([
      [key, bytes],
      [other, bytes],
    ]),
  );
  const taken = async (keys: readonly string[]): Promise<number> =>
    (await fetchResults({ remote, keys, ...given })).length;
  assert.deepEqual([await taken([key]), await taken([other])], [1, 0]);
});
