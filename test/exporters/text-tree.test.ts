import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMermaid } from '../../src/exporters/mermaid.ts';
import { formatTree } from '../../src/exporters/text-tree.ts';

const chain = (length: number): { nodes: string[]; edges: { from: string; to: string }[] } => {
  const nodes = Array.from({ length }, (_, index) => `stage-${index}`);
  return { nodes, edges: nodes.slice(1).map((to, index) => ({ from: `stage-${index}`, to })) };
};

test('a stage stands deeper than all that it reads from', () => {
  const edges = [
    { from: 'a', to: 'b' },
    { from: 'b', to: 'd' },
    { from: 'a', to: 'd' },
    { from: 'c', to: 'd' },
  ];
  assert.equal(formatTree({ nodes: ['a', 'b', 'c', 'd'], edges }), 'a\n  b    ← a\nc\n    d  ← b, a, c\n');
});

test('wide characters take two columns, so that what stands right of them stands in one', () => {
  const edges = [
    { from: '日本', to: 'abcd' },
    { from: '日本', to: 'データ' },
  ];
  assert.equal(
    formatTree({ nodes: ['日本', 'abcd', 'データ'], edges }),
    '日本\n  abcd    ← 日本\n  データ  ← 日本\n',
  );
});

test('two hundred stages in a row stay on the screen', () => {
  const lines = formatTree(chain(200)).split('\n');
  assert.equal(lines.length, 201);
  assert.equal(lines[199], 'stage-199  ← stage-198');
  assert.ok(lines.every((line) => line.length <= 80));
});

test('a stage that reads from two hundred names the first and counts the rest', () => {
  const nodes = Array.from({ length: 200 }, (_, index) => `s${index}`);
  const edges = nodes.map((from) => ({ from, to: 'all' }));
  const last = formatTree({ nodes: [...nodes, 'all'], edges })
    .split('\n')
    .at(-2);
  assert.equal(last, '  all  ← s0, s1, s2, s3, s4 and 195 more');
});

test('no stages are no lines', () => {
  assert.equal(formatTree({ nodes: [], edges: [] }), '');
});

test('a label holds quotes, brackets, entities and @ as they are', () => {
  // Mermaid's entity codes: "#" and the decimal number of the character.
  const nodes = ['say-"hi"[1]{x}(y)@a,b', 'a&amp;b#1;<br/>', '`code`\\n'];
  assert.equal(
    formatMermaid({ nodes, edges: [{ from: nodes[0] ?? '', to: nodes[1] ?? '' }] }),
    'flowchart TD\n' +
      '  s0["say-#34;hi#34;[1]{x}(y)@a,b"]\n' +
      '  s1["a#38;amp;b#35;1;#60;br/#62;"]\n' +
      '  s2["#96;code#96;#92;n"]\n' +
      '  s0 --> s1\n',
  );
});
