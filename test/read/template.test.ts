import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPythonFloat } from '../../src/read/python-text.ts';
import { shellQuote } from '../../src/base/text.ts';
import { brief, pipelineOf, read, stageOf } from './rig.ts';

const PARAMS = `
name: x
lr: 0.10
tiny: 1e-5
one: 1.0
count: 3
big: 12345678901234567890
yes: true
nothing: null
train: { steps: [ { size: 5 }, { size: 7 } ], on: false }
`;

function cmd(text: string, params: string = PARAMS): unknown {
  const [stage] = pipelineOf(`stages:\n  a:\n    cmd: ${text}\n`, { 'params.yaml': params }).stages;
  return stage?.action.kind === 'shell' ? stage.action.cmd : undefined;
}

test('values become text inside a text as DVC writes them', () => {
  assert.equal(
    cmd('run ${name} ${lr} ${tiny} ${one} ${count} ${big} ${yes} ${nothing}'),
    'run x 0.1 1e-05 1.0 3 12345678901234567890 true None',
  );
});

test('paths go through maps and lists, with blanks around them', () => {
  assert.equal(cmd('run ${train.steps[1].size} ${ train.steps.0.size } ${train.on}'), 'run 7 5 false');
});

test('a backslash keeps a template as it is', () => {
  assert.equal(cmd('run \\${HOME} ${name} \\${name}'), 'run ${HOME} x ${name}');
});

test('the match ends at the first closing brace', () => {
  assert.equal(cmd('run ${name}}'), 'run x}');
});

test('a text that is one template keeps the type of the value', () => {
  const stage = stageOf(
    'cmd: go\nretry: { attempts: "${count}" }\nfrozen: ${yes}\nmetrics: [m.json]\ngates: { m.json: { a: { equals: "${lr}" }, b: { equals: "${big}" }, c: { equals: "${nothing}" }, d: { equals: "v${count}" } } }',
    {
      'params.yaml': PARAMS,
    },
  );
  assert.equal(stage.policy.retry.attempts, 3);
  assert.equal(stage.policy.frozen, true);
  assert.deepEqual(
    stage.policy.gates.map(({ equals }) => equals),
    [0.1, 12345678901234567890n, null, 'v3'],
  );
});

test('a number is its text where only a text can stand, when it is written like that', () => {
  const stage = stageOf(
    'cmd: "${year}"\nwdir: "${year}"\ndeps: ["${year}"]\nouts: [{ "${year}.csv": { desc: "${one}", metric: true } }, "${one}"]\ngates: { "${year}.csv": { cmd: { equals: "${year}" } } }',
    { 'params.yaml': 'year: 2023\none: 1.0\n' },
  );
  assert.deepEqual(stage.action, { kind: 'shell', cmd: '2023', wdir: '2023' });
  assert.deepEqual(
    [...stage.deps, ...stage.outs].map(({ path }) => path),
    ['2023/2023', '2023/2023.csv', '2023/1.0'],
  );
  assert.equal(stage.policy.gates[0]?.equals, 2023);
  // Inside a text they are 10, 1000.0 and 1000: none of them is what is written.
  for (const text of ['010', '1e3', '1_000']) {
    const { problems } = read('stages: { a: { cmd: go, deps: ["${n}"] } }\n', {
      'params.yaml': `n: ${text}\n`,
    });
    assert.deepEqual(
      problems.map(({ message, hint }) => [message, hint]),
      [[`"deps[0]" of stage "a": expected a path, got ${text}`, `quote it where it is written: "${text}"`]],
    );
  }
  assert.equal(pipelineOf('name: ${n}\ndata: ["${n}"]\n', { 'params.yaml': 'n: 7\n' }).data[0]?.path, '7');
});

test('a map inside a command becomes its options', () => {
  // The example of the DVC documentation's dictionary unpacking, with every type of value.
  const params =
    'opts: { foo: "a b", bar: 1, t: true, f: false, nested: { baz: q }, list: [2, 3, "q x"], none: null, e: "" }\n';
  const expected = "python x.py --foo 'a b' --bar 1 --t --nested.baz q --list 2 3 'q x' --none None --e ''";
  assert.equal(cmd('python x.py ${opts}', params), expected);
  assert.deepEqual(cmd('["python x.py ${opts}"]', params), [expected]);
  // An option without values would swallow in.csv.
  const lists = 'opts: { flags: [true, false, "true"], none: [], deep: { none: [] } }\n';
  assert.equal(cmd('python x.py ${opts} in.csv', lists), 'python x.py --flags True False true in.csv');
});

test('keys of maps are templates too, and stage names are not', () => {
  const stage = stageOf('cmd: go\nouts:\n  - "${name}.bin": { cache: false }', { 'params.yaml': PARAMS });
  assert.deepEqual([stage.outs[0]?.path, stage.outs[0]?.cache], ['x.bin', false]);
  assert.deepEqual(brief(read('stages:\n  ${name}x: { cmd: go }\n', { 'params.yaml': PARAMS }).problems), [
    'stage.name 2:3',
  ]);
});

test('name, data, pools and schedule take templates', () => {
  const pipeline = pipelineOf(
    'name: ${name}\npools: { a: "${count}" }\ndata: ["in/${name}.csv"]\nschedule: { cron: "0 ${count} * * *", tz: UTC }\nstages: {}\n',
    { 'params.yaml': PARAMS },
  );
  assert.equal(pipeline.name, 'x');
  assert.deepEqual(pipeline.pools, { a: 3 });
  assert.equal(pipeline.data[0]?.path, 'in/x.csv');
  const { problems } = read('schedule: { cron: "0 ${count} * * *" }\nstages: {}\n', {
    'params.yaml': 'count: 24\n',
  });
  assert.deepEqual(brief(problems), ['time.cron 1:19']);
});

test('vars add to the params files, deeply and in order', () => {
  const stage = pipelineOf(
    'vars:\n  - more.yaml\n  - other.json:a\n  - { train: { extra: 9 } }\nstages:\n  s: { cmd: "go ${train.extra} ${train.on} ${m} ${a}" }\n',
    { 'params.yaml': PARAMS, 'more.yaml': 'm: 1\n', 'other.json': '{"a": 2, "name": 3}' },
  ).stages[0];
  assert.deepEqual(stage?.action, { kind: 'shell', cmd: 'go 9 false 1 2', wdir: '.' });
});

test('loading one file twice in full is harmless, and a leaf defined again is not', () => {
  const others = { 'params.yaml': 'a: { b: 1 }\n' };
  assert.equal(read('vars: [params.yaml, params.yaml]\nstages: {}\n', others).problems.length, 0);
  assert.deepEqual(brief(read('vars: [{ a: { b: 1 } }]\nstages: {}\n', others).problems), [
    'vars.redefined 1:15',
  ]);
  assert.deepEqual(brief(read('vars: [{ a: 1 }]\nstages: {}\n', others).problems), ['vars.redefined 1:10']);
});

test('faults of templates stand at the template itself, also behind a quote', () => {
  const problems = read('stages:\n  a:\n    cmd: "go ${nam} ${train} ${env:X} ${"\n', {
    'params.yaml': 'train: [[1]]\nname: x\n',
  }).problems;
  assert.deepEqual(brief(problems), [
    'template.missing 3:14',
    'template.type 3:21',
    'template.env 3:30',
    'template.syntax 3:39',
  ]);
});

test('a template is told in the line and column where it is written, however its text is laid out', () => {
  const cases: readonly (readonly [cmd: string, ...places: readonly string[]])[] = [
    ['>\n      go\n      ${nope} ${nope}\n', '5:7', '5:15'],
    ['|-\n      a ${none}\n\n      日本 ${nope} b\n', '4:9', '6:10'],
    ['go\n      ${nope}\n', '4:7'],
    ['"a \\"b\\" \\\\${nope} ${nope}"\n', '3:29'],
    ["'it''s ${nope}'\n", '3:17'],
    ['"\\u0024{nope}"\n', '3:10'],
  ];
  for (const [cmd, ...places] of cases)
    assert.deepEqual(
      brief(read(`stages:\n  a:\n    cmd: ${cmd}`).problems),
      places.map((place) => `template.missing ${place}`),
      cmd,
    );
});

test('a whole command cannot be a map, and a path cannot be a list', () => {
  const others = { 'params.yaml': 'm: { a: 1 }\nl: [a]\n' };
  assert.deepEqual(brief(read('stages:\n  a: { cmd: "${m}" }\n', others).problems), ['template.type 2:14']);
  assert.deepEqual(brief(read('stages:\n  a: { cmd: go, deps: "${l}" }\n', others).problems), [
    'template.type 2:24',
  ]);
});

test('a broken params file silences what would only echo it', () => {
  const { problems, files } = read('stages:\n  a: { cmd: "go ${x}", params: [x] }\n', {
    'params.yaml': 'x: [\n',
  });
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['yaml.syntax'],
  );
  assert.deepEqual(files, ['pipeline.yaml', 'params.yaml']);
});

test('floats are written as Python writes them', () => {
  // Each pair was printed by CPython's repr().
  const table: readonly (readonly [number, string])[] = [
    [1, '1.0'],
    [-0, '-0.0'],
    [0, '0.0'],
    [1e-5, '1e-05'],
    [0.0001, '0.0001'],
    [0.00012345, '0.00012345'],
    [1e15, '1000000000000000.0'],
    [1e16, '1e+16'],
    [123456789012345680, '1.2345678901234568e+17'],
    [0.1 + 0.2, '0.30000000000000004'],
    [1e22, '1e+22'],
    [5e-324, '5e-324'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
    [-12.5, '-12.5'],
    [1e100, '1e+100'],
  ];
  for (const [value, text] of table) assert.equal(formatPythonFloat(value), text);
});

test('only what a shell would split or expand is quoted', () => {
  // Each pair was printed by Python's shlex.quote().
  const table: readonly (readonly [string, string])[] = [
    ['', "''"],
    ['abc-1.0_x/y:z@%+=,', 'abc-1.0_x/y:z@%+=,'],
    ['a b', "'a b'"],
    ["it's", `'it'"'"'s'`],
    ['$HOME', "'$HOME'"],
    ['é', "'é'"],
  ];
  for (const [text, quoted] of table) assert.equal(shellQuote(text), quoted);
});
