import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { RelPath } from '../../src/base/types.ts';
import { createClock } from '../../src/io/clock.ts';
import { createMemo } from '../../src/store/memo.ts';
import type { Memo } from '../../src/store/memo.ts';
import { createObserver } from '../../src/store/observe.ts';
import type { Observer } from '../../src/store/observe.ts';
import { tempFolder } from '../record/rig.ts';

const root = tempFolder();

/** Looks at `root`; of each file that was looked at, and is still to be read, `act` is told which one in turn it is. */
function createWatcher(act: (nth: number) => void): Observer {
  const clock = createClock();
  const memo = createMemo(join(root, 'memo'), clock.now());
  let asked = 0;
  const find: Memo['find'] = (...args) => {
    act(++asked);
    return memo.find(...args);
  };
  const cache = { clock, memo: { ...memo, find }, isExecutable: () => false };
  return createObserver({ root, cache, algorithm: 'sha256' });
}

test('a file that grows between the look and the hash has the size of what was hashed, alone and in a folder', async () => {
  mkdirSync(join(root, 'logs'));
  for (const name of ['logs/a', 'logs/b', 'log']) writeFileSync(join(root, name), '1\n');
  const observer = createWatcher((nth) => {
    if (nth === 3) for (const name of ['logs/b', 'log']) appendFileSync(join(root, name), 'more\n');
  });
  const seen = await observer.observe(
    ['logs', 'log'].map((path) => ({ path: path as RelPath, links: 'refuse' })),
  );
  const sizes = ['logs', 'log'].map((path) => {
    const here = seen.get(path as RelPath);
    assert.ok(here?.kind === 'file' || here?.kind === 'tree', path);
    return here.artifact.size;
  });
  assert.deepEqual(sizes, [9, 7]);
});

test('what goes away while a folder is read is not in it, and one that is gone itself is missing', async () => {
  const names = ['spool/a', 'spool/b', 'spool/sub/c', 'lone'];
  for (const folder of ['spool', 'spool/sub']) mkdirSync(join(root, folder));
  for (const name of names) writeFileSync(join(root, name), name);
  const observer = createWatcher(() => {
    for (const name of ['spool/b', 'spool/sub', 'lone'])
      rmSync(join(root, name), { recursive: true, force: true });
  });
  const requests = ['lone', 'spool'].map((path) => ({ path: path as RelPath, links: 'refuse' as const }));
  const [lone, spool] = (await observer.observe(requests)).values();
  assert.equal(lone?.kind, 'missing');
  assert.ok(spool?.kind === 'tree', spool?.kind);
  assert.deepEqual(
    spool.entries.map(({ relpath }) => relpath),
    ['a'],
  );
});
