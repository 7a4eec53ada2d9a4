import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMermaid } from '../../src/exporters/mermaid.ts';
import type { Dag } from '../../src/exporters/mermaid.ts';
import { formatTree } from '../../src/exporters/text-tree.ts';

/** Each stage with what it reads from. */
const dag = (upstream: Readonly<Record<string, readonly string[]>>): Dag => new Map(Object.entries(upstream));

test('a stage stands deeper than all that it reads from', () => {
  assert.equal(
    formatTree(dag({ a: [], b: ['a'], c: [], d: ['b', 'a', 'c'] })),
    'a\n  b    ← a\nc\n    d  ← b, a, c\n',
  );
});

test('wide characters take two columns, so that what stands right of them stands in one', () => {
  assert.equal(
    formatTree(dag({ 日本: [], abcd: ['日本'], データ: ['日本'] })),
    '日本\n  abcd    ← 日本\n  データ  ← 日本\n',
  );
});

test('two hundred stages in a row stay on the screen', () => {
  const chain = Array.from(
    { length: 200 },
    (_, index) => [`stage-${index}`, index === 0 ? [] : [`stage-${index - 1}`]] as const,
  );
  const lines = formatTree(new Map(chain)).split('\n');
  assert.equal(lines.length, 201);
  assert.equal(lines[199], 'stage-199  ← stage-198');
  assert.ok(lines.every((line) => line.length <= 80));
});

test('a stage that reads from two hundred names the first and counts the rest', () => {
  const names = Array.from({ length: 200 }, (_, index) => `s${index}`);
  const last = formatTree(dag({ ...Object.fromEntries(names.map((name) => [name, []])), all: names }))
    .split('\n')
    .at(-2);
  assert.equal(last, '  all  ← s0, s1, s2, s3, s4 and 195 more');
});

test('no stages are no lines', () => {
  assert.equal(formatTree(new Map()), '');
});

test('a label holds quotes, brackets, entities and @ as they are', () => {
  // Mermaid's entity codes: "#" and the decimal number of the character.
  const first = 'say-"hi"[1]{x}(y)@a,b';
  assert.equal(
    formatMermaid(dag({ [first]: [], 'a&amp;b#1;<br/>': [first], '`code`\\n': [] })),
    'flowchart TD\n' +
      '  s0["say-#34;hi#34;[1]{x}(y)@a,b"]\n' +
      '  s1["a#38;amp;b#35;1;#60;br/#62;"]\n' +
      '  s2["#96;code#96;#92;n"]\n' +
      '  s0 --> s1\n',
  );
});
