import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReport } from '../../src/read/report.ts';
import { parseSource } from '../../src/read/source.ts';
import { toJson, type Tree } from '../../src/read/tree.ts';
import { brief } from './rig.ts';

function parse(
  content: string | Uint8Array,
  file = 'params.yaml',
): { tree: Tree | undefined; problems: readonly string[] } {
  const report = createReport();
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const tree = parseSource(file, bytes, report);
  return { tree, problems: brief(report.problems([file])) };
}

function valueOf(content: string | Uint8Array, file?: string): unknown {
  const { tree, problems } = parse(content, file);
  assert.deepEqual(problems, []);
  return tree && toJson(tree);
}

test('YAML 1.2 decides what a plain word is, and 1_000 is a number as in DVC', () => {
  const text =
    'a: yes\nb: 012\nc: 1_000\nd: 1e-5\ne: 2024-01-02\nf: 0x1F\ng: ~\nh: true\ni: -1_0\nj: 12:30\nk: [1_000.5, -1_0.2_5e3, 0.000_1, 1_0e2, +1_0, 1_0_, a_1]\n';
  assert.deepEqual(valueOf(text), {
    a: 'yes',
    b: 12,
    c: 1000,
    d: 1e-5,
    e: '2024-01-02',
    f: 31,
    g: null,
    h: true,
    i: -10,
    j: '12:30',
    k: [1000.5, -10250, 0.0001, 1000, 10, '1_0_', 'a_1'],
  });
});

test('integers keep all their digits', () => {
  assert.deepEqual(valueOf('a: 9007199254740991\nb: 9007199254740993\nc: -12345678901234567890\n'), {
    a: 9007199254740991,
    b: 9007199254740993n,
    c: -12345678901234567890n,
  });
});

test('a byte order mark and CRLF line ends change neither values nor places', () => {
  const plain = parse('a: 1\nb: [x, "y"]\n').tree;
  const windows = parse(Buffer.from('\ufeffa: 1\r\nb: [x, "y"]\r\n')).tree;
  assert.deepEqual(windows, plain);
});

test('anchors, aliases and merge keys work, and what is written wins over what is merged', () => {
  const text =
    'base: &b { x: 1, y: 2 }\nmore: &m { y: 3, z: 4 }\none: { <<: *b, y: 9 }\ntwo:\n  <<: [*m, *b]\n  w: *b\n';
  const value = valueOf(text) as Record<string, unknown>;
  assert.deepEqual(value['one'], { y: 9, x: 1 });
  assert.deepEqual(value['two'], { w: { x: 1, y: 2 }, y: 3, z: 4, x: 1 });
});

test('every value knows its line, its column and its width', () => {
  const { tree } = parse('a:\n  - x\n  - "y z"\nb: {c: 10}\n');
  assert.ok(tree?.kind === 'map');
  const list = tree.entries.get('a')?.value;
  assert.ok(list?.kind === 'list');
  assert.deepEqual(list.items[1]?.at, { file: 'params.yaml', line: 3, column: 5, length: 5 });
  assert.deepEqual(list.at, { file: 'params.yaml', line: 1, column: 1, length: 1 });
  const flow = tree.entries.get('b')?.value;
  assert.deepEqual(flow?.at, { file: 'params.yaml', line: 4, column: 4, length: 7 });
});

test('JSON may be indented with tabs and is read with the same places', () => {
  const { tree, problems } = parse('{\n\t"a": [\n\t\t1, 2.5\n\t],\n\t"b": "\\ud83d\\ude00"\n}\n', 'c.json');
  assert.deepEqual(problems, []);
  assert.deepEqual(tree && toJson(tree), { a: [1, 2.5], b: '😀' });
  assert.ok(tree?.kind === 'map');
  assert.deepEqual(tree.entries.get('b')?.keyAt, { file: 'c.json', line: 5, column: 2, length: 3 });
});

test('what YAML would accept and JSON would not is refused in a .json file', () => {
  assert.deepEqual(parse('{"a": 1,}', 'c.json').problems, ['json.syntax 1:9']);
  assert.deepEqual(parse("{'a': 1}", 'c.json').problems, ['json.syntax 1:2']);
  assert.deepEqual(parse('a: 1', 'c.json').problems, ['json.syntax 1:1']);
  assert.deepEqual(parse('{"a": [1, 2}', 'c.json').problems, ['json.syntax 1:12']);
  assert.deepEqual(parse('{"a": 01}', 'c.json').problems, ['json.syntax 1:8']);
  assert.deepEqual(parse('{"a":\n  "b\n"}', 'c.json').problems, ['json.syntax 2:3']);
  assert.deepEqual(parse('{"a": {}\n', 'c.json').problems, ['json.syntax 1:9']);
  assert.deepEqual(parse('{"a": 1} {', 'c.json').problems, ['json.syntax 1:10']);
});

test('an empty file and a file of comments hold nothing', () => {
  assert.equal(valueOf(''), null);
  assert.equal(valueOf('# later\n\n'), null);
  assert.equal(valueOf('', 'c.json'), null);
});

test('each fault of the text has its own code', () => {
  const table: readonly (readonly [string | Uint8Array, string])[] = [
    ['a:\n\tb: 1\n', 'yaml.tab 2:1'],
    ['a: 1\n---\nb: 2\n', 'yaml.documents 2:1'],
    ['a: 1\nb: 2\na: 3\n', 'yaml.duplicate-key 3:1'],
    ['a: 1\n"a": 3\n', 'yaml.duplicate-key 2:1'],
    ['1: a\n', 'yaml.key 1:1'],
    ['? [x]\n: 1\n', 'yaml.key 1:3'],
    ['__proto__: 1\n', 'yaml.key 1:1'],
    ['a: .inf\n', 'yaml.number 1:4'],
    ['a: 1e999\n', 'yaml.number 1:4'],
    ['a: *x\n', 'yaml.alias 1:4'],
    ['a: &x [*x]\n', 'yaml.alias 1:8'],
    ['a: !thing 1\n', 'yaml.tag 1:4'],
    ['a: 1\n<<: 3\n', 'yaml.merge 2:5'],
    ['a: !!timestamp 2020-01-01\n', 'yaml.tag 1:16'],
    ['%YAML 1.1\n---\na: no\n', 'yaml.version 1:1'],
    ['a: b: c\n', 'yaml.syntax 1:5'],
    [Uint8Array.of(0x61, 0x3a, 0x20, 0xff), 'yaml.encoding 1:4'],
    [Uint8Array.of(0x61, 0x3a, 0x0a, 0xe2, 0x82), 'yaml.encoding 2:1'],
    ['a: 1\n<<<<<<< ours\nb: 1\n=======\nb: 2\n>>>>>>> theirs\n', 'yaml.conflict 2:1'],
    ['a: 1\r\n>>>>>>> theirs\r\n', 'yaml.conflict 2:1'],
  ];
  for (const [content, expected] of table)
    assert.deepEqual(parse(content).problems, [expected], String(content));
});

test('a row of equals signs in a text is no merge conflict', () => {
  assert.deepEqual(valueOf('a: |\n  Title\n  =======\n'), { a: 'Title\n=======\n' });
});

test('a file of nothing but brackets is refused, not a stack overflow', () => {
  assert.equal(parse('['.repeat(20_000)).problems.length, 1);
  assert.deepEqual(parse(`a: ${'['.repeat(70)}${']'.repeat(70)}`).problems, ['yaml.depth 1:68']);
});

test('aliases cannot multiply a small file into a huge one', () => {
  const lines = ['x0: &x0 [a, b, c, d, e, f, g, h, i, j]'];
  for (let i = 1; i < 12; i++)
    lines.push(`x${i}: &x${i} [${Array.from({ length: 10 }, () => `*x${i - 1}`).join(', ')}]`);
  const { problems } = parse(`${lines.join('\n')}\n`);
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? '', /^yaml\.alias /);
});

test('a value that begins with "!" or "*" is refused: a negation in front of a command would be lost', () => {
  for (const text of ['a: ! test -f x\n', 'a: [x, ! y]\n', 'a: ! "x"\n']) {
    const { problems } = parse(text);
    assert.deepEqual(problems, [`yaml.tag 1:${text.indexOf('!') + 1}`], text);
  }
  assert.deepEqual(valueOf('a: "! test -f x"\nb: test ! -f x\n'), { a: '! test -f x', b: 'test ! -f x' });
  assert.deepEqual(parse('a: [*.csv]\n').problems, ['yaml.alias 1:5']);
});

/** The first line of what is told, and where. */
function told(text: string): string {
  const report = createReport();
  parseSource('a.yaml', new TextEncoder().encode(text), report);
  const [problem, ...more] = report.problems(['a.yaml']);
  assert.deepEqual(more, [], text);
  const at = problem?.at?.[0];
  return `${at?.line}:${at?.column} ${problem?.code}: ${problem?.message}`;
}

test('slips of the pen are told where they are, and in words that are true of them', () => {
  const cases: readonly (readonly [text: string, expected: string])[] = [
    ['a:\n  b: "x\n  c: y\n', '2:6 yaml.syntax: the quote " that opens here is never closed'],
    ["a:\n  b: 'x\nc:\n  d: 'y'\n", "2:6 yaml.syntax: the quote ' that opens here is never closed"],
    ['a:\n  b\n    c: x\n', '2:3 yaml.syntax: a ": " is missing after the key'],
    ['a:\n  cmd:x\n  d: y\n', '2:3 yaml.syntax: a ": " is missing after the key'],
    ['a：\n  b: c\n', '1:1 yaml.syntax: a ": " is missing after the key'],
    ['a: 1\nb\n', '2:1 yaml.syntax: a ": " is missing after the key'],
    [
      'a:\n  b: x\n    c: y\n',
      '3:5 yaml.syntax: this line is indented deeper than the key above it, which has a value already',
    ],
    ['a:\n    - b\n   - c\n', '3:4 yaml.syntax: a "-" stands where a key belongs'],
    ['a: 1\n- b\n', '2:1 yaml.syntax: a "-" stands where a key belongs'],
    ['a: ? x\n', '1:4 yaml.syntax: a value cannot start with "?"'],
    ['a: echo "b: c"\n', '1:11 yaml.syntax: a second ": " in one line'],
    ["a: 'don't'\n", '1:9 yaml.syntax: this does not fit what stands before it'],
    [`a: ${'['.repeat(100_000)}`, '1:779 yaml.depth: "a.yaml" is nested too deeply'],
  ];
  for (const [text, expected] of cases)
    assert.equal(told(text).replace(/^1:\d{3,} /, '1:779 '), expected, text.slice(0, 40));
});
