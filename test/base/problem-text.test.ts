import assert from 'node:assert/strict';
import { test } from 'node:test';
import { displayWidth } from '../../src/base/display-width.ts';
import { formatProblems } from '../../src/base/problem-text.ts';

const at = (line: number, column: number, length: number, file = 'pipeline.yaml') => ({
  file,
  line,
  column,
  length,
});

test('one problem shows its line with a caret below the value, and a hint', () => {
  const text = formatProblems(
    [
      {
        code: 'pipeline.unknown-key',
        message: 'unknown key "dep" in stage "fetch"',
        hint: 'did you mean "deps"?',
        at: [at(12, 5, 3)],
      },
    ],
    () => '    dep: [a]',
  );
  assert.equal(
    text,
    `error[pipeline.unknown-key]: unknown key "dep" in stage "fetch"
  --> pipeline.yaml:12:5
   |
12 |     dep: [a]
   |     ^^^
   = hint: did you mean "deps"?
`,
  );
});

test('a long line is cut around its caret in columns, and no character in two', () => {
  const shown = (line: string, column: number): readonly string[] =>
    formatProblems([{ code: 'a.b', message: 'm', at: [at(1, column, 1)] }], () => line).split('\n');
  const wide = '日😀'.repeat(100);
  for (const line of [
    `${'a'.repeat(500)}!${'b'.repeat(500)}`,
    `${wide}!${wide}`,
    `a${wide}!${wide}`,
    `${wide}b!c${wide}`,
  ]) {
    const [, , , quoted = '', caret = ''] = shown(line, line.indexOf('!') + 1);
    assert.ok(quoted.isWellFormed() && displayWidth(quoted) <= 120 + 6, quoted);
    assert.equal(displayWidth(quoted.slice(0, quoted.indexOf('!'))), caret.indexOf('^'));
  }
});

test('of more than fifty problems the rest is counted', () => {
  const many = Array.from({ length: 8000 }, (_, i) => ({ code: 'a.b', message: `no ${i}` }));
  const lines = formatProblems(many, () => undefined).split('\n');
  assert.equal(lines.filter((line) => line.startsWith('error[')).length, 50);
  assert.equal(lines.at(-2), '8,000 problems; 7,950 more are not shown, --json has all');
  assert.match(
    formatProblems(many.slice(0, 50), () => undefined),
    /no 49\n\n50 problems\n$/,
  );
});

test('several places share one gutter and several problems end in their count', () => {
  const text = formatProblems(
    [
      { code: 'a.b', message: 'first', at: [at(10, 1, 1), at(9, 2, 2, 'params.yaml')] },
      { code: 'c.d', message: 'second', hint: 'do it' },
    ],
    (file) => (file === 'pipeline.yaml' ? 'xyz' : 'abc'),
  );
  assert.equal(
    text,
    `error[a.b]: first
  --> pipeline.yaml:10:1
   |
10 | xyz
   | ^
  also params.yaml:9:2
   |
 9 | abc
   |  ^^

error[c.d]: second
 = hint: do it

2 problems
`,
  );
});

test('a place whose file is gone is named without a quotation', () => {
  assert.equal(
    formatProblems([{ code: 'a.b', message: 'm', at: [at(3, 1, 1)] }], () => undefined),
    'error[a.b]: m\n --> pipeline.yaml:3:1\n',
  );
});

test('tabs, wide characters and combining marks before the caret do not move it', () => {
  const line = '\t日本 e\u0301: x';
  const text = formatProblems(
    [{ code: 'a.b', message: 'm', at: [at(1, line.indexOf('x') + 1, 1)] }],
    () => line,
  );
  const [, , , shown = '', caret = ''] = text.split('\n');
  assert.equal(displayWidth(shown.slice(0, shown.indexOf('x'))), caret.indexOf('^'));
  // Four for the tab, two for each ideograph, one for the accented letter, and the gutter's four.
  assert.equal(caret.indexOf('^'), 4 + 4 + 4 + 1 + 1 + 1 + 1);
});

test('a caret below wide characters is as wide as they are', () => {
  const text = formatProblems([{ code: 'a.b', message: 'm', at: [at(1, 1, 2)] }], () => '日本');
  assert.match(text, /\| \^{4}$/m);
});

test('control characters of a file never reach the terminal', () => {
  const text = formatProblems(
    [{ code: 'a.b', message: 'bad \u001b[31m value', at: [at(1, 4, 1)] }],
    () => 'a\u001b[x\u202ey',
  );
  assert.ok(!text.includes('\u001b') && !text.includes('\u202e'));
  assert.match(text, /bad \\x1b\[31m value/);
});

test('values of secrets in remotes.yaml are not shown, and their columns stay', () => {
  const line = '  a: { secret_access_key: abc123, url: "https://u:pw@h/x", region: eu }';
  const text = formatProblems(
    [{ code: 'a.b', message: 'm', at: [at(1, line.indexOf('region') + 1, 6, 'remotes.yaml')] }],
    () => line,
  );
  const [, , , shown = '', caret = ''] = text.split('\n');
  assert.ok(!/abc123|pw@/.test(text));
  assert.equal(shown.slice(caret.indexOf('^')), 'region: eu }');
});

test('a listener can colour every piece', () => {
  const pieces = new Set<string>();
  formatProblems(
    [{ code: 'a.b', message: 'm', hint: 'h', at: [at(1, 1, 1)] }],
    () => 'x',
    (text, piece) => {
      pieces.add(piece);
      return text;
    },
  );
  assert.deepEqual([...pieces].sort(), ['caret', 'error', 'gutter', 'hint', 'message']);
});

test('a byte order mark and a line end given with the line are not shown', () => {
  const text = formatProblems([{ code: 'a.b', message: 'm', at: [at(1, 1, 4)] }], () => '\ufeffname: x\r\n');
  assert.equal(text, 'error[a.b]: m\n --> pipeline.yaml:1:1\n  |\n1 | name: x\n  | ^^^^\n');
});
