import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashBytes } from '../../src/base/hash.ts';
import type { Remote } from '../../src/base/remote.ts';
import { findPresent } from '../../src/execute/transfer-plan.ts';
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
