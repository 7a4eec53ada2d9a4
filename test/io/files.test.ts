import assert from 'node:assert/strict';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isBelow, writeFileAtomic } from '../../src/io/files.ts';
import { tempFolder } from '../record/rig.ts';

test('below the root of the file system, where a container may have its project, is everything', () => {
  for (const [path, folder, below] of [
    ['/stages/a.ts', '/', true],
    ['/p/a.ts', '/p', true],
    ['/p', '/p', false],
    ['/pp/a.ts', '/p', false],
  ] as const)
    assert.equal(isBelow(path, folder), below, `${path} in ${folder}`);
});

test('what cannot take the place of a file leaves nothing beside it', () => {
  const folder = tempFolder();
  mkdirSync(join(folder, 'taken/by'), { recursive: true });
  for (const durable of [true, false])
    assert.throws(() => writeFileAtomic(join(folder, 'taken'), 'text', { durable }), { syscall: 'rename' });
  assert.deepEqual(readdirSync(folder), ['taken']);
});
