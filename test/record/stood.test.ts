import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Artifact, RelPath } from '../../src/base/types.ts';
import { noteStood, readStood } from '../../src/record/stood.ts';
import { tempFolder } from './rig.ts';

const stateDir = tempFolder();
const path = join(stateDir, 'data');

const artifact = (name: string, digit: string): Artifact => ({
  path: name as RelPath,
  hash: `sha256:${digit.repeat(64)}`,
  kind: 'file',
  size: 1,
});

test('what tracked inputs were is kept for each, and forgotten where the note is damaged in any bit', () => {
  assert.equal(readStood(stateDir).size, 0);
  noteStood(stateDir, [artifact('a', '1'), artifact('__proto__', '2')]);
  noteStood(stateDir, [artifact('a', '3')]);
  const bytes = readFileSync(path);
  const known = [
    ['a', artifact('a', '3').hash],
    ['__proto__', artifact('', '2').hash],
  ];
  assert.deepEqual([...readStood(stateDir)], known);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped.writeUInt8((flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7)), bit >> 3);
    writeFileSync(path, flipped);
    assert.equal(readStood(stateDir).size, 0, `bit ${bit}`);
  }
});
