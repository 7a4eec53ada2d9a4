import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { EXIT, PipelineError } from '../../src/base/error.ts';
import { hashBytes, objectPath } from '../../src/base/hash.ts';
import type { Remote } from '../../src/base/remote.ts';
import type { ContentHash, RelPath } from '../../src/base/types.ts';
import { afterFailure } from '../../src/execute/after-failure.ts';
import { fetchArtifacts } from '../../src/transfer/fetch.ts';
import type { Cache } from '../../src/store/cache.ts';
import { createLanding } from '../../src/store/landing.ts';
import { createMemoryRemote } from '../remotes/memory-remote.ts';
import { createRig } from '../rig.ts';
import { openCache } from '../store/open-cache.ts';

const FILES = new Map(['a', 'b'].map((text) => [hashBytes('sha256', text), text]));

/** A remote that has both files, gives the first and cannot be reached for the second. */
function createFailing(before: () => void): Remote {
  const objects = [...FILES].map(([hash, text]) => [objectPath(hash), Buffer.from(text)] as const);
  const memory = createMemoryRemote(new Map(objects), 1);
  let count = 0;
  return {
    ...memory,
    async get(key, signal) {
      if (count++ === 0) return memory.get(key, signal);
      before();
      throw new PipelineError('remote.unreachable', 'the line was cut', { exit: EXIT.failed });
    },
  };
}

async function fetchBoth(cache: Cache, remote: Remote): Promise<void> {
  const artifacts = [...FILES.keys()].map((hash) => ({
    path: hash.slice(-4) as RelPath,
    hash,
    kind: 'file' as const,
  }));
  await fetchArtifacts({
    cache,
    remote,
    name: 'fake',
    artifacts,
    dryRun: false,
    emit: () => undefined,
    signal: new AbortController().signal,
  });
}

test('a transfer that fails keeps what came, and says why it failed', async () => {
  const cache = openCache(createRig().root);
  const remote = createFailing(() => undefined);
  await assert.rejects(fetchBoth(cache, remote), { code: 'remote.unreachable' });
  const here = [...FILES.keys()].filter((hash) => cache.has(hash));
  assert.equal(here.length, 1);
});

test('a transfer that fails, and then cannot keep what came either, says why it failed first', async () => {
  const rig = createRig();
  const remote = createFailing(() => rmSync(rig.path('.lockstep/files'), { recursive: true }));
  await assert.rejects(fetchBoth(openCache(rig.root), remote), { code: 'remote.unreachable' });
});

test('a bug is told, whatever failed before it', async () => {
  await afterFailure(() => Promise.reject(new PipelineError('remote.full', 'no room')));
  await afterFailure(() => Promise.reject(Object.assign(new Error('no room'), { code: 'ENOSPC' })));
  await assert.rejects(
    afterFailure(() => Promise.reject(new TypeError('not a function'))),
    TypeError,
  );
});

test('once the disk has failed nothing more is let in, since it may have lost that too', async () => {
  const rig = createRig({ a: 'a', b: 'b' });
  const cache = openCache(rig.root);
  const landing = createLanding(cache);
  const receive = (name: string): Promise<ContentHash> => {
    const hash = hashBytes('sha256', name);
    return landing
      .receive(hash, { file: rig.path(name), faultOf: (error) => error }, new AbortController())
      .then(() => hash);
  };
  const first = await receive('a');
  mkdirSync(join(cache.pathOf(first), 'in-the-way'), { recursive: true });
  const settle = (): Promise<void> => landing.settle(() => true);
  await assert.rejects(settle, { syscall: 'rename' });
  const second = await receive('b');
  await assert.rejects(settle, { syscall: 'rename' });
  assert.ok(!cache.has(second));
  await landing.drop();
  const temps = readdirSync(rig.path('.lockstep/files'), { recursive: true, encoding: 'utf8' });
  assert.deepEqual(
    temps.filter((name) => name.includes('.tmp')),
    [],
  );
});
