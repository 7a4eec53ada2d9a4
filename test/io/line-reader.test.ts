import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLineReader } from '../../src/io/line-reader.ts';
import { tempFolder } from '../record/rig.ts';

test('lines are counted from 1, without their ends and the mark of the byte order', () => {
  const root = tempFolder();
  writeFileSync(join(root, 'a.yaml'), '\uFEFFone\r\ntwo\nthree');
  const readLine = createLineReader(root);
  const lines = [0, 1, 2, 3, 4].map((line) => readLine('a.yaml', line));
  assert.deepEqual(lines, [undefined, 'one', 'two', 'three', undefined]);
});

test('what is missing or no file has no lines', () => {
  const root = tempFolder();
  mkdirSync(join(root, 'folder'));
  const readLine = createLineReader(root);
  assert.deepEqual([readLine('no.yaml', 1), readLine('folder', 1)], [undefined, undefined]);
});

test('a file that was changed meanwhile is quoted as it is now', () => {
  const root = tempFolder();
  const readLine = createLineReader(root);
  writeFileSync(join(root, 'a.yaml'), 'old\n');
  assert.equal(readLine('a.yaml', 1), 'old');
  writeFileSync(join(root, 'a.yaml'), 'newer\n');
  assert.equal(readLine('a.yaml', 1), 'newer');
});
