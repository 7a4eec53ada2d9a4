import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addIfRoom, cutEnd, fitName, widthOf } from '../../../src/listeners/console/cut.ts';

const RED = '\u001b[31m';
const RESET = '\u001b[0m';

test('colours take no columns, wide characters two and combining marks none', () => {
  assert.equal(widthOf(`${RED}ab${RESET}`), 2);
  assert.equal(widthOf('日本'), 4);
  assert.equal(widthOf('e\u0301'), 1);
});

const CUTS: readonly (readonly [string, number, string])[] = [
  ['abc', 3, 'abc'],
  ['abcd', 3, 'ab…'],
  ['日本語', 6, '日本語'],
  ['日本語', 5, '日本…'],
  ['日本語', 4, '日…'],
  [`${RED}abcd${RESET}`, 3, `${RED}ab…${RESET}`],
  [`${RED}abc${RESET}`, 3, `${RED}abc${RESET}`],
  ['abc', 1, '…'],
  ['abc', 0, ''],
];
for (const [text, columns, expected] of CUTS) {
  test(`${JSON.stringify(text)} cut to ${columns} columns is ${JSON.stringify(expected)}`, () => {
    assert.equal(cutEnd(text, columns, '…'), expected);
  });
}

const NAMES: readonly (readonly [string, number, string])[] = [
  ['ab', 4, 'ab  '],
  ['abcdefgh', 8, 'abcdefgh'],
  ['abcdefgh', 5, 'ab…gh'],
  ['abcdefgh', 6, 'abc…gh'],
  ['日本語日本', 6, '日…本 '],
  ['abcdefgh', 2, 'ab'],
  ['abc', 0, ''],
];
for (const [name, columns, expected] of NAMES) {
  test(`the name ${name} in ${columns} columns is "${expected}"`, () => {
    assert.equal(fitName(name, columns, '…'), expected);
  });
}

test('a detail is left out where less than eight columns are left for it', () => {
  assert.equal(addIfRoom('line', 'a long detail', { columns: 14, mark: '…' }), 'line  a long …');
  assert.equal(addIfRoom('line', 'a long detail', { columns: 13, mark: '…' }), 'line');
  assert.equal(addIfRoom('line', 'short', { columns: 11, mark: '…' }), 'line  short');
});
