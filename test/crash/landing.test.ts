import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { sha256Hex } from '../../src/base/hash.ts';
import { createCache } from '../../src/store/cache.ts';
import { createLanding } from '../../src/store/landing.ts';
import { createMemo } from '../../src/store/memo.ts';
import { createRig } from '../rig.ts';

test('a manifest that could not be let in is not tried again, so that the first error is the one that is told', async () => {
  const rig = createRig({ manifest: '[]' });
  const dir = rig.path('.lockstep');
  const now = (): number => Date.now();
  const cache = createCache({
    dir,
    workspace: rig.root,
    memo: createMemo(join(dir, 'memo'), now()),
    clock: { now, sleep: () => Promise.reject(new Error('nothing waits here')) },
    onCorrupt: () => assert.fail(),
  });
  const hash = `sha256:${sha256Hex('[]')}.dir` as const;
  const landing = createLanding(cache);
  await landing.receive(hash, { file: rig.path('manifest') }, new AbortController());
  const folder = dirname(cache.pathOf(hash));
  // A folder takes no file's place: the rename fails.
  rig.write(
    `.lockstep/files/sha256/${sha256Hex('[]').slice(0, 2)}/${sha256Hex('[]').slice(2)}.dir/in-the-way`,
    '',
  );
  await assert.rejects(
    landing.settle(() => true),
    (error: NodeJS.ErrnoException) => error.syscall === 'rename',
  );
  // What is kept of an interrupted transfer is settled once more.
  await landing.settle(() => true);
  assert.deepEqual(readdirSync(folder), [`${sha256Hex('[]').slice(2)}.dir`]);
});
