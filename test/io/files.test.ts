import assert from 'node:assert/strict';
import test from 'node:test';
import { isBelow } from '../../src/io/files.ts';

test('below the root of the file system, where a container may have its project, is everything', () => {
  for (const [path, folder, below] of [
    ['/stages/a.ts', '/', true],
    ['/p/a.ts', '/p', true],
    ['/p', '/p', false],
    ['/pp/a.ts', '/p', false],
  ] as const)
    assert.equal(isBelow(path, folder), below, `${path} in ${folder}`);
});
