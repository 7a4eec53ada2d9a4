import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileNameOf } from '../../src/base/file-name.ts';

const NAMES: readonly (readonly [string, string])[] = [
  ['train@fold-1.5_a', 'train@fold-1.5_a'],
  ['a/b', 'a%2fb'],
  ['a\\b:c', 'a%5cb%3ac'],
  ['.', '%2e'],
  ['..', '%2e.'],
  ['../..', '%2e.%2f..'],
  ['100%', '100%25'],
  ['é', '%c3%a9'],
];
for (const [stage, name] of NAMES) {
  test(`stage ${stage} has the file name ${name}, which stays in its folder`, () => {
    assert.equal(fileNameOf(stage), name);
    assert.equal(join('folder', name), `folder/${name}`);
  });
}

test('long names that differ only at their end have file names of their own', () => {
  const [one, two] = [fileNameOf(`${'é'.repeat(300)}1`), fileNameOf(`${'é'.repeat(300)}2`)];
  assert.notEqual(one, two);
  assert.ok(one.length < 150, one);
});
