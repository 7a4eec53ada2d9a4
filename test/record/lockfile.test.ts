import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JSON_SCHEMA, load } from 'js-yaml';
import { parse } from 'yaml';
import { PipelineError } from '../../src/base/error.ts';
import { canonicalJson } from '../../src/base/hash.ts';
import type { Json, Lock, RelPath, StageLock } from '../../src/base/types.ts';
import { createLockFormatter, parseLock } from '../../src/record/lockfile.ts';
import { formatYaml } from '../../src/record/yaml-text.ts';
import { HASH, TREE, WEIRD, resultOf, shellResult } from './rig.ts';

const format = (lock: Lock): string => createLockFormatter().format(lock);
const lockOf = (stages: readonly (readonly [string, StageLock])[]): Lock => ({
  stages: new Map(stages),
  data: [],
});

test('the file is written out in full: sorted, unfolded, without times', () => {
  const lock: Lock = {
    stages: new Map([
      ['b', shellResult('echo "hello: world" && '.repeat(8))],
      ['a@x', resultOf()],
    ]),
    data: [
      { path: 'data/b.csv' as RelPath, hash: HASH, kind: 'file', size: 5 },
      { path: 'data/a' as RelPath, hash: TREE, kind: 'tree', size: 9, files: 1 },
    ],
  };
  assert.equal(
    format(lock),
    `# Written by lockstep; commit it with the change that made it.
lockfile: 1
data:
  - path: data/a
    hash: ${TREE}
    size: 9
    files: 1
  - path: data/b.csv
    hash: ${HASH}
    size: 5
stages:
  a@x:
    action:
      run: stages/a.ts
      hermetic: false
      allow:
        - addons
    api: 1
    params:
      params.yaml:
        lr: 0.1
    deps:
      - path: in.txt
        hash: ${HASH}
        name: text
    code:
      stages/a.ts: ast1:00
    packages: ${HASH}
    env:
      MODE: ${HASH}
    tick: "2026-03-16T10:30:00.000Z"
    declares:
      - path: out/
        name: folder
      - path: x.bin
        persist: true
    outs:
      - path: out
        hash: ${TREE}
        size: 12
        files: 2
      - path: x.bin
        hash: ${HASH}
        size: 3
        exec: true
    gates:
      - "reports/m.json rate >= 0.8"
    sum: sha256:0e280c05fe7e1ff4db264997665db2c3e85d3b6427182d8b9700735b2635139e
  b:
    action:
      cmd: ${JSON.stringify('echo "hello: world" && '.repeat(8))}
    declares:
      - path: o
    outs:
      - path: o
        hash: ${HASH}
        size: 0
    sum: sha256:377ac308a15c05fd87f72df1659a6f10fdd6a2a3e03fedd5b0850259aa3b6968
`,
  );
});

function inFolder(wdir: string): StageLock {
  const result = shellResult('x');
  return { ...result, fingerprint: { ...result.fingerprint, action: { cmd: 'x', wdir } } };
}

test('what was written is read back, and written again it is the same text', async () => {
  const lock: Lock = {
    stages: new Map([
      ['a', resultOf()],
      ['b', shellResult('x')],
      ['c', inFolder('sub')],
    ]),
    data: [{ path: 'd' as RelPath, hash: HASH, kind: 'file', size: 1 }],
  };
  const read = await parseLock(format(lock));
  assert.deepEqual(read, lock);
  assert.equal(format(read), format(lock));
});

const PARAMS: Readonly<Record<string, Json>> = Object.fromEntries([
  ...WEIRD.map((value, index) => [`value ${index}`, value] as const),
  ...WEIRD.filter((value) => typeof value === 'string').map((value) => [value, 1] as const),
]);

const sorted = Object.fromEntries(Object.entries(PARAMS).sort(([a], [b]) => (a < b ? -1 : 1)));

test('parameters of every kind and name are read back as they were', async () => {
  const lock = lockOf([['s', shellResult('x', { 'params.yaml': sorted })]]);
  const read = await parseLock(format(lock));
  assert.deepEqual(read.stages.get('s')?.fingerprint.params['params.yaml'], sorted);
  assert.equal(format(read), format(lock));
});

test('two other YAML readers read the same', () => {
  const text = format(lockOf([['s', shellResult('x', { 'params.yaml': PARAMS })]]));
  // These readers round integers beyond a double.
  const rounded = (value: unknown): Json => {
    if (typeof value === 'bigint') return Number(value);
    if (typeof value !== 'object' || value === null) return value as Json;
    if (Array.isArray(value)) return value.map(rounded);
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rounded(item)]));
  };
  for (const read of [parse(text), load(text, { schema: JSON_SCHEMA }), load(text)] as readonly {
    stages: { s: { params: { 'params.yaml': Json } } };
  }[])
    assert.equal(canonicalJson(rounded(read.stages.s.params['params.yaml'])), canonicalJson(rounded(PARAMS)));
});

test('the order in which parameters were written changes no byte; neither does the order of stages', () => {
  const of = (first: Json, second: Json): string =>
    format(
      lockOf([
        ['a', shellResult('x', { 'p.yaml': { k: first } })],
        ['b', shellResult('y', { 'p.yaml': { k: second } })],
      ]),
    );
  assert.equal(of({ x: 1, y: { b: 1, a: 2 } }, 0), of({ y: { a: 2, b: 1 }, x: 1 }, 0));
  const [a, b] = [shellResult('a'), shellResult('b')];
  assert.equal(
    format(
      lockOf([
        ['a', a],
        ['b', b],
      ]),
    ),
    format(
      lockOf([
        ['b', b],
        ['a', a],
      ]),
    ),
  );
});

test('CRLF line ends, as git may make them, are read the same', async () => {
  const lock = lockOf([['s', resultOf()]]);
  assert.deepEqual(await parseLock(format(lock).replaceAll('\n', '\r\n')), lock);
});

const GOOD = format(
  lockOf([
    ['s', resultOf()],
    ['t', shellResult('x')],
  ]),
);
const lineOf = (text: string): number => GOOD.slice(0, GOOD.indexOf(text)).split('\n').length;

async function refusal(text: string): Promise<PipelineError> {
  try {
    await parseLock(text);
  } catch (error) {
    assert.ok(error instanceof PipelineError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: `not refused:\n${text}` });
}

const S = lineOf('  s:');
const T = lineOf('  t:');
const EDITED: readonly (readonly [what: string, from: string, to: string, line: number, why: RegExp])[] = [
  ['an unknown key at the top', 'stages:', 'more: 1\nstages:', 3, /unknown key "more"/],
  ['no version', 'lockfile: 1\n', '', 1, /no "lockfile: 1"/],
  ['stages that are a list', GOOD.slice(GOOD.indexOf('stages:')), 'stages: []\n', 3, /"stages" is not a map/],
  ['an unknown key of a stage', '    api: 1\n', '    api: 1\n    extra: 1\n', S, /unknown key "extra"/],
  [
    'an unknown key of an out',
    'size: 3',
    'size: 3\n        extra: 1',
    S,
    /an out has the unknown key "extra"/,
  ],
  [
    'an unknown key of a dep',
    'name: text',
    'name: text\n        extra: 1',
    S,
    /a dep has the unknown key "extra"/,
  ],
  [
    'an unknown key of a declared out',
    'persist: true',
    'persist: true\n        extra: 1',
    S,
    /a declared out has the unknown key "extra"/,
  ],
  ['a declared out that climbs', 'path: out/', 'path: ../out/', S, /leaves its folder/],
  [
    'a declared out that is nothing',
    '- path: o\n    outs',
    '- null\n    outs',
    T,
    /a declared out is not a map/,
  ],
  ['a working folder that climbs', 'cmd: x', 'cmd: x\n      wdir: ../x', T, /leaves its folder/],
  ['an unknown API', 'api: 1', 'api: 2', S, /stage API is unknown/],
  ['an out that climbs', 'path: x.bin\n        hash', 'path: ../x.bin\n        hash', S, /leaves its folder/],
  ['an absolute out', 'path: x.bin\n        hash', 'path: /etc/x\n        hash', S, /is absolute/],
  [
    'an out in git’s folder',
    'path: x.bin\n        hash',
    'path: .Git/hooks/x\n        hash',
    S,
    /goes through ".Git"/,
  ],
  [
    'an out in our folder',
    'path: x.bin\n        hash',
    'path: .lockstep/memo\n        hash',
    S,
    /goes through ".lockstep"/,
  ],
  ['an out with a backslash', 'path: x.bin\n        hash', 'path: "a\\\\b"\n        hash', S, /backslash/],
  ['an out twice', 'path: x.bin\n        hash', 'path: out\n        hash', S, /one path twice/],
  [
    'an out inside another',
    'path: x.bin\n        hash',
    'path: out/x\n        hash',
    S,
    /both a file and a folder/,
  ],
  ['a short hash', `hash: ${HASH}\n        size: 3`, 'hash: sha256:ab\n        size: 3', S, /no valid hash/],
  [
    'another algorithm',
    `hash: ${HASH}\n        size: 3`,
    `hash: sha1:${'a'.repeat(40)}\n        size: 3`,
    S,
    /no valid hash/,
  ],
  ['a negative size', 'size: 3', 'size: -3', S, /not a count/],
  ['a size that is text', 'size: 3', 'size: "3"', S, /not a count/],
  ['a size with a fraction', 'size: 3', 'size: 3.5', S, /not a count/],
  ['a folder without its number of files', '        files: 2\n', '', S, /half file, half folder/],
  ['a file with a number of files', 'exec: true', 'files: 2', S, /half file, half folder/],
  ['an exec that is false', 'exec: true', 'exec: false', S, /exec that is not true/],
  ['a tick that is none', '2026-03-16T10:30:00.000Z', '2026-03-16', S, /no instant/],
  ['a tick in no month', '2026-03-16T', '2026-13-16T', S, /no instant/],
  ['a command that is a number', 'cmd: x', 'cmd: 1', T, /cmd is not a list|not text/],
  ['an action of both kinds', 'cmd: x', 'cmd: x\n      more: y', T, /unknown key "more"/],
  ['a module that climbs', 'run: stages/a.ts', 'run: ../a.ts', S, /leaves its folder/],
  ['a dep that climbs', 'path: in.txt', 'path: a/../../in.txt', S, /leaves its folder/],
  [
    'outs that are a map',
    GOOD.slice(GOOD.indexOf('    outs:\n      - path: out\n'), GOOD.indexOf('    gates')),
    '    outs: {}\n',
    S,
    /outs is not a list/,
  ],
  ['data that are a map', 'stages:', 'data: {}\nstages:', 3, /"data" is not a list/],
  [
    'parameters that are a list',
    'params.yaml:\n        lr: 0.1',
    'params.yaml: [1]',
    S,
    /params of params\.yaml is not a map/,
  ],
  [
    'a gate that is a number',
    '    gates:\n      - "reports/m.json rate >= 0.8"',
    '    gates: [1]',
    S,
    /a gate is not text/,
  ],
  ['a stage that is text', '  t:\n', '  t: text\n  u:\n', 0, /not valid YAML|not a map/],
  ['a stage twice', '  t:\n', '  s:\n', 0, /not valid YAML/],
  ['an alias', 'cmd: x', 'cmd: *x', 0, /not valid YAML/],
  ['an anchor and its alias', 'cmd: x', 'cmd: &x y\n    packages: *x', 0, /not valid YAML|alias/],
  ['a tab', '    action:\n      cmd', '\taction:\n      cmd', 0, /not valid YAML/],
  ['a text that is no map', GOOD, 'hello\n', 1, /is not a map/],
  ['nothing', GOOD, '', 1, /the input is empty/],
  ['a half', GOOD.slice(GOOD.indexOf('    deps:')), '    deps:\n      - path: "in', 0, /not valid YAML/],
];

for (const [what, from, to, line, why] of EDITED) {
  test(`a lock with ${what} is refused with its line`, async () => {
    assert.ok(GOOD.includes(from), from);
    const error = await refusal(GOOD.replace(from, () => to));
    assert.equal(error.code, 'lock.invalid', error.message);
    assert.match(error.message, why);
    if (line > 0) assert.equal(error.problems[0].at?.[0]?.line, line);
    else assert.ok((error.problems[0].at?.[0]?.line ?? 0) > 0);
  });
}

test('an entry that did not fit its checksum does not fit it once it was written again', async () => {
  for (const text of [
    GOOD.replace('size: 3', 'size: 4'),
    GOOD.replace('lr: 0.1', 'lr: 1e999'),
    GOOD.replace(/sum: sha256:[0-9a-f]+/, 'sum: none'),
  ]) {
    const lock = await parseLock(text);
    for (const { stages } of [lock, await parseLock(format(lock))])
      assert.deepEqual([stages.get('s')?.edited, stages.get('t')?.edited], [true, undefined], text);
  }
});

test('data that is named twice is refused', async () => {
  const text = `lockfile: 1\ndata:\n${`  - path: d\n    hash: ${HASH}\n    size: 1\n`.repeat(2)}stages: {}\n`;
  const error = await refusal(text);
  assert.match(error.message, /in "data" it names one path twice/);
  assert.equal(error.problems[0].at?.[0]?.line, 2);
});

test('conflict markers are named with the line of the first, also where only some are left', async () => {
  const markers = ['<<<<<<< HEAD', '=======', '>>>>>>> other'];
  for (const end of ['\n', '\r\n'])
    for (const left of [markers, ...markers.map((marker) => [marker])]) {
      const text = [
        'lockfile: 1',
        'stages:',
        ...left.flatMap((marker, at) => [marker, `  s${at}:`]),
        '',
      ].join(end);
      const error = await refusal(text);
      assert.equal(error.code, 'lock.conflict');
      assert.equal(error.problems[0].at?.[0]?.line, 3);
      assert.match(error.problems[0].hint ?? '', /keep one side of each marked place/);
    }
});

test('a lock of a newer lockstep is told from a broken one', async () => {
  assert.equal((await refusal('lockfile: 2\nanything: [')).code, 'lock.invalid');
  const newer = await refusal('# Written by lockstep\nlockfile: 2\nanything: 1\n');
  assert.equal(newer.code, 'lock.version');
  assert.equal(newer.problems[0].at?.[0]?.line, 2);
});

test('a lock without stages is a lock', async () => {
  assert.deepEqual(await parseLock('lockfile: 1\n'), { stages: new Map(), data: [] });
  assert.deepEqual(await parseLock(format({ stages: new Map(), data: [] })), { stages: new Map(), data: [] });
});

test('what older readers of YAML take for more than text is quoted, and what no line can show is escaped', () => {
  for (const text of [
    'yes',
    'No',
    'on',
    'OFF',
    'y',
    'N',
    'null',
    'True',
    '.inf',
    '.NaN',
    '...',
    '.5',
    '._',
    '~',
    '',
  ])
    assert.equal(formatYaml(text), `"${text}"\n`);
  for (const code of ['007f', '0085', '009f', '2028', '2029', 'feff', 'fffe', 'ffff', 'd800', 'dfff'])
    assert.equal(formatYaml(String.fromCharCode(Number.parseInt(code, 16))), `"\\u${code}"\n`);
  assert.equal(formatYaml({ a: [], b: {}, c: -0 }), 'a: []\nb: {}\nc: 0\n');
});
