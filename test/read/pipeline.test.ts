import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brief, pipelineOf, read, stageOf } from './rig.ts';

const PIPELINE = `# yaml-language-server: $schema=./schema/pipeline.schema.json
name: sensex
params: [params.yaml]
pools: { yahoo: 4 }
data:
  - data/base.csv
  - { path: data/big/, push: false, remote: archive }
schedule: { cron: "0 6 * * 1-5", tz: Asia/Kolkata }
stages:
  tickers:
    run: stages/tickers.ts
    refresh: { every: 7d, as_of: "\${as_of}" }
    params: [source]
    outs: { tickers: data/tickers.json }
  fetch:
    desc: one file per company
    group: data
    run: stages/fetch.ts
    refresh: { session: XBOM, as_of: "\${as_of}" }
    deps: { tickers: data/tickers.json }
    params: [source, fetch.start]
    env: [MARKET]
    secrets: [YAHOO_TOKEN]
    outs:
      raw: data/raw/
      quality: { path: reports/fetch_report.json, metric: true, cache: false }
    retry: { attempts: 3, delay: 30s, factor: 2 }
    timeout: 15m
    pool: yahoo
    allow: [workers, addons]
    gates:
      quality: { success_rate: { min: 0.8 }, total: { equals: 30 } }
`;
const PARAMS =
  'as_of: 2024-06-28\nsource: recorded\nfetch:\n  start: 2024-01-01\n  chunk: 12345678901234567890\n';

test('a pipeline is read into plain values', () => {
  const pipeline = pipelineOf(PIPELINE, { 'params.yaml': PARAMS });
  const { stages, ...rest } = JSON.parse(
    JSON.stringify(pipeline, (key, value: unknown) => (key === 'at' ? undefined : value)),
  ) as { stages: unknown[] };
  assert.deepEqual(rest, {
    name: 'sensex',
    hash: 'sha256',
    data: [
      { path: 'data/base.csv', push: true },
      { path: 'data/big', push: false, remote: 'archive' },
    ],
    pools: { yahoo: 4 },
  });
  assert.deepEqual(stages[1], {
    name: 'fetch',
    action: { kind: 'module', path: 'stages/fetch.ts', hermetic: true, allow: ['addons', 'workers'] },
    deps: [{ name: 'tickers', path: 'data/tickers.json' }],
    params: [
      { file: 'params.yaml', key: 'source', value: 'recorded' },
      { file: 'params.yaml', key: 'fetch.start', value: '2024-01-01' },
    ],
    outs: [
      {
        path: 'data/raw',
        folder: true,
        cache: true,
        persist: false,
        push: true,
        metric: false,
        name: 'raw',
      },
      {
        path: 'reports/fetch_report.json',
        folder: false,
        cache: false,
        persist: false,
        push: true,
        metric: true,
        name: 'quality',
      },
    ],
    env: ['MARKET'],
    secrets: ['YAHOO_TOKEN'],
    refresh: { asOf: '2024-06-28', kind: 'session', exchange: 'XBOM', delayMs: 1_800_000 },
    policy: {
      frozen: false,
      always: false,
      retry: { attempts: 3, delayMs: 30_000, factor: 2 },
      timeoutMs: 900_000,
      pool: 'yahoo',
      gates: [
        { out: 'reports/fetch_report.json', key: 'success_rate', min: 0.8 },
        { out: 'reports/fetch_report.json', key: 'total', equals: 30 },
      ],
    },
  });
});

test('stage, dep, out, parameter and gate stand where the user wrote them', () => {
  const [tickers, fetch] = pipelineOf(PIPELINE, { 'params.yaml': PARAMS }).stages;
  const lines = PIPELINE.split('\n');
  const textAt = (at: { line: number; column: number; length: number } | undefined): string | undefined =>
    at && lines[at.line - 1]?.slice(at.column - 1, at.column - 1 + at.length);
  assert.equal(textAt(fetch?.at), 'fetch');
  assert.equal(textAt(fetch?.deps[0]?.at), 'data/tickers.json');
  assert.equal(textAt(fetch?.outs[1]?.at), 'reports/fetch_report.json');
  assert.equal(textAt(fetch?.params[1]?.at), 'fetch.start');
  assert.equal(textAt(fetch?.policy.gates[0]?.at), 'success_rate');
  assert.equal(textAt(fetch?.refresh?.at), 'XBOM');
  assert.equal(textAt(tickers?.outs[0]?.at), 'data/tickers.json');
});

test('every file that was asked for is named, the missing ones too', () => {
  assert.deepEqual(read(PIPELINE, { 'params.yaml': PARAMS }).files, ['pipeline.yaml', 'params.yaml']);
  assert.deepEqual(read('stages: {}\n').files, ['pipeline.yaml', 'params.yaml']);
  assert.deepEqual(read('params: [a.yaml]\nvars: [b.json]\nstages: {}\n').files, [
    'pipeline.yaml',
    'a.yaml',
    'b.json',
  ]);
});

test('everything left out has its default', () => {
  const stage = stageOf('cmd: go');
  assert.deepEqual(stage.policy, {
    frozen: false,
    always: false,
    retry: { attempts: 1, delayMs: 1000, factor: 2 },
    gates: [],
  });
  assert.deepEqual(stage.action, { kind: 'shell', cmd: 'go', wdir: '.' });
  const { name, hash, data, pools } = pipelineOf('stages: {}\n');
  assert.deepEqual([name, hash, data, pools], ['pipeline', 'sha256', [], {}]);
  assert.equal(pipelineOf('hash: md5\n').hash, 'md5');
});

test('wdir is the base of a stage and of all its paths', () => {
  const stage = stageOf(
    'cmd: go\nwdir: ./models/\ndeps: [../data/a.csv, ./b.csv]\nouts: [c.bin, d/]\nparams:\n  - p.yaml: [x]',
    {
      'models/p.yaml': 'x: 1\n',
    },
  );
  assert.deepEqual(stage.action, { kind: 'shell', cmd: 'go', wdir: 'models' });
  assert.deepEqual(
    stage.deps.map(({ path }) => path),
    ['data/a.csv', 'models/b.csv'],
  );
  assert.deepEqual(
    stage.outs.map(({ path, folder }) => [path, folder]),
    [
      ['models/c.bin', false],
      ['models/d', true],
    ],
  );
  assert.deepEqual(
    stage.params.map(({ file, value }) => [file, value]),
    [['models/p.yaml', 1]],
  );
  const wdirs = [
    ['.', '.'],
    ['./', '.'],
    ['././/', '.'],
    // A folder's name, like any other.
    ['...', '...'],
  ] as const;
  for (const [text, wdir] of wdirs)
    assert.deepEqual(stageOf(`cmd: go\nwdir: ${text}`).action, { kind: 'shell', cmd: 'go', wdir }, text);
  const module = stageOf('run: a.ts\nwdir: models');
  assert.equal(module.action.kind === 'module' && module.action.path, 'models/a.ts');
});

test('outs take the three forms, and metrics and plots are outs', () => {
  const stage = stageOf(
    'cmd: go\nouts:\n  - a\n  - b: { cache: false, persist: true, push: false, remote: r, desc: text }\n  - m.json\nmetrics:\n  - m.json: { cache: false }\nplots: [p.csv]',
  );
  const short = stage.outs.map(({ path, cache, persist, push, remote, metric }) => [
    path,
    cache,
    persist,
    push,
    remote,
    metric,
  ]);
  assert.deepEqual(short, [
    ['a', true, false, true, undefined, false],
    ['b', false, true, false, 'r', false],
    ['m.json', false, false, true, undefined, true],
    ['p.csv', true, false, true, undefined, false],
  ]);
});

test('names of files keep their letters, composed or not', () => {
  const stage = stageOf('cmd: go\ndeps: ["e\u0301.csv", "\u00e9.csv"]');
  assert.deepEqual(
    stage.deps.map(({ path }) => path),
    ['e\u0301.csv', '\u00e9.csv'],
  );
});

test('parameters are selected by path, by file, or whole', () => {
  const others = {
    'params.yaml': 'a: { b: [10, { c: 1 }] }\nz: 1\n',
    'other.json': '{"x": {"y": true}, "w": null}',
  };
  const pick = (items: string): unknown =>
    stageOf(`cmd: go\nparams: ${items}`, others).params.map(({ file, key, value }) => [file, key, value]);
  assert.deepEqual(pick('[a.b.1.c, a.b.0]'), [
    ['params.yaml', 'a.b.1.c', 1],
    ['params.yaml', 'a.b.0', 10],
  ]);
  assert.deepEqual(pick('[{ other.json: [x.y, w] }]'), [
    ['other.json', 'x.y', true],
    ['other.json', 'w', null],
  ]);
  for (const whole of ['null', '[]', '']) {
    assert.deepEqual(
      pick(`[{ other.json: ${whole} }]`),
      [['other.json', null, { x: { y: true }, w: null }]],
      whole,
    );
  }
  assert.deepEqual(pick('[z, { params.yaml: null }, z]'), [
    ['params.yaml', null, { a: { b: [10, { c: 1 }] }, z: 1 }],
  ]);
  assert.deepEqual(pick('[z, z]'), [['params.yaml', 'z', 1]]);
});

test('two files with one key are ambiguous for a plain key and for a module, not for a command that names its files', () => {
  const others = { 'params.yaml': 'k: 1\n', 'b.yaml': 'k: 2\n' };
  const text = (action: string, params: string): string =>
    `params: [params.yaml, b.yaml]\nstages:\n  s: { ${action}, params: ${params} }\n`;
  const both = '[{ params.yaml: [k] }, { b.yaml: [k] }]';
  assert.deepEqual(
    read(text('cmd: go', '[k]'), others).problems.map(({ code }) => code),
    ['params.ambiguous'],
  );
  assert.deepEqual(
    read(text('run: a.ts', both), others).problems.map(({ code }) => code),
    ['params.ambiguous'],
  );
  assert.deepEqual(read(text('cmd: go', both), others).problems, []);
});

test('numbers beyond 2^53 are rounded where a number is meant and keep their digits where a value is', () => {
  const stage = stageOf(
    'cmd: go\nouts: [{ m.json: { metric: true } }]\ngates: { m.json: { a: { min: 99999999999999999999 }, b: { equals: 99999999999999999999 } } }',
  );
  assert.deepEqual(
    stage.policy.gates.map(({ min, equals }) => [min, equals]),
    [
      [1e20, undefined],
      [undefined, 99999999999999999999n],
    ],
  );
});

test('durations have one unit', () => {
  const table: readonly (readonly [string, number])[] = [
    ['500ms', 500],
    ['30s', 30_000],
    ['15m', 900_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['1w', 604_800_000],
  ];
  for (const [text, ms] of table) assert.equal(stageOf(`cmd: go\ntimeout: ${text}`).policy.timeoutMs, ms);
  for (const text of ['30', '1h30m', '-5s', '5 s', '1.5h', 'soon', '0s']) {
    assert.equal(read(`stages: { a: { cmd: go, timeout: ${text} } }\n`).problems.length, 1, text);
  }
});

test('refresh has one of three kinds', () => {
  const refresh = (text: string): unknown => {
    const { at, ...rest } = stageOf(`cmd: go\nrefresh: ${text}`).refresh ?? { at: undefined };
    assert.ok(at);
    return rest;
  };
  assert.deepEqual(refresh('{ every: 1w }'), { asOf: 'now', kind: 'every', everyMs: 604_800_000 });
  assert.deepEqual(refresh('{ cron: "30 5 * * MON" }'), {
    asOf: 'now',
    kind: 'cron',
    cron: '30 5 * * MON',
    tz: 'UTC',
  });
  assert.deepEqual(refresh('{ cron: "@daily", tz: America/New_York }'), {
    asOf: 'now',
    kind: 'cron',
    cron: '@daily',
    tz: 'America/New_York',
  });
  assert.deepEqual(refresh('{ session: XNYS, delay: 2h, as_of: 2024-02-29 }'), {
    asOf: '2024-02-29',
    kind: 'session',
    exchange: 'XNYS',
    delayMs: 7_200_000,
  });
});

test('names of variables that hold secrets by custom are refused in env only', () => {
  for (const name of [
    'TOKEN',
    'GITHUB_TOKEN',
    'SECRET',
    'CLIENT_SECRET_ID',
    'DB_PASSWORD',
    'API_KEY',
    'my_api_key',
    'AWS_SECRET_ACCESS_KEY',
  ]) {
    assert.deepEqual(
      read(`stages: { a: { cmd: go, env: [${name}] } }\n`).problems.map(({ code }) => code),
      ['env.secret'],
      name,
    );
    assert.deepEqual(read(`stages: { a: { cmd: go, secrets: [${name}] } }\n`).problems, [], name);
  }
  for (const name of ['MARKET', 'TOKENIZER', 'KEYBOARD', 'TOKENS_PER_BATCH', 'SECRETARY', 'PRIMARY_KEY']) {
    assert.deepEqual(read(`stages: { a: { cmd: go, env: [${name}] } }\n`).problems, [], name);
  }
});

test('keys that every object inherits are ordinary names', () => {
  const pipeline = pipelineOf(
    'pools: { constructor: 2 }\nstages:\n  toString: { cmd: go, pool: constructor, deps: { valueOf: a }, outs: { hasOwnProperty: b }, params: [constructor] }\n',
    { 'params.yaml': 'constructor: 5\n' },
  );
  assert.equal(pipeline.stages[0]?.params[0]?.value, 5);
  assert.equal(pipeline.stages[0]?.policy.pool, 'constructor');
  assert.deepEqual(
    brief(
      read('stages:\n  a: { cmd: "go ${toString}", pool: valueOf, params: [hasOwnProperty] }\n', {
        'params.yaml': 'x: 1\n',
      }).problems,
    ),
    ['template.missing 2:17', 'stage.pool 2:37', 'params.missing 2:55'],
  );
});

test('problems come in the order of the files and of their lines', () => {
  const { problems } = read(
    'stages:\n  a: { cmd: go, deps: [/x], bad: 1 }\n  b: { cmd: go, timeout: 3 }\nfoo: 1\n',
    { 'params.yaml': 'a: .nan\n' },
  );
  assert.deepEqual(brief(problems), [
    'path.absolute 2:24',
    'pipeline.unknown-key 2:29',
    'pipeline.type 3:26',
    'pipeline.unknown-key 4:1',
    'yaml.number 1:4',
  ]);
});

test('a number where a text is meant is shown as it is written', () => {
  const [problem] = read('stages:\n  a: { cmd: go, outs: { o: 2024_01 } }\n').problems;
  assert.equal(problem?.message, '"outs.o" of stage "a": expected a path, or a map with "path", got 2024_01');
  const [group] = read('stages:\n  a: { cmd: go, group: 1.50 }\n').problems;
  assert.deepEqual(
    [group?.message, group?.hint],
    ['"group" of stage "a": expected a name, got 1.50', 'quote it: "1.50"'],
  );
});

test('params files stand inside the project, wherever they are named', () => {
  for (const file of ['/etc/x.yaml', '../x.yaml', 's3://b/x.yaml']) {
    const code = { '/': 'path.absolute', '.': 'path.outside', s: 'path.url' }[file.charAt(0)];
    assert.deepEqual(
      read(`params: ["${file}"]\nstages: {}\n`).problems.map((problem) => problem.code),
      [code],
      file,
    );
    assert.deepEqual(
      read(`stages: { a: { cmd: go, params: [{ "${file}": [x] }] } }\n`).problems.map(
        (problem) => problem.code,
      ),
      [code],
      file,
    );
  }
  assert.deepEqual(brief(read('vars: [../x.yaml]\nstages: {}\n').problems), ['path.outside 1:8']);
  assert.deepEqual(read('params: [./cfg/../p.yaml]\nstages: {}\n', { 'p.yaml': 'a: 1\n' }).files, [
    'pipeline.yaml',
    'p.yaml',
  ]);
});

test('a value that an alias brings is told where the alias stands, a template in it where it is written', () => {
  const text =
    'stages:\n  a: { cmd: &cmd "go ${nope}", meta: &five 5, outs: [q] }\n  b: { cmd: *cmd, deps: [*five], outs: [r] }\n';
  const { problems } = read(text);
  assert.deepEqual(brief(problems), ['template.missing 2:22', 'pipeline.type 3:26']);
  assert.equal(problems[1]?.hint, 'quote it where it is written: "5"');
});

test('one slip is one problem: what only follows from it is not told', () => {
  const files = { 'params.yaml': 'x: 1\nl: [a]\n' };
  const stage = 'stages:\n  a: { cmd: "go ${x}", params: [x], outs: [q] }\n';
  const gated = (outs: string): string =>
    `stages:\n  a: { cmd: go, ${outs}, gates: { m.json: { x: { min: 1 } } } }\n`;
  const pooled = 'stages:\n  a: { cmd: go, pool: p, outs: [q] }\n';
  const cases: readonly (readonly [text: string, expected: string])[] = [
    [`params: params.yaml\n${stage}`, 'pipeline.type 1:9'],
    [`params: [[params.yaml]]\n${stage}`, 'pipeline.type 1:10'],
    [`vars: { y: 1 }\n${stage.replace('${x}', '${y}')}`, 'pipeline.type 1:1'],
    [`pools: [p]\n${pooled}`, 'pipeline.type 1:1'],
    [gated('metrics: m.json'), 'pipeline.type 2:26'],
    [gated('metrics: [/m.json]'), 'path.absolute 2:27'],
    [gated('outs: { m: { metric: true } }, metrics: [n.json]'), 'pipeline.missing-key 2:25'],
    ['satges:\n  a: { foreach: [x], do: { cmd: "go ${item}" } }\n', 'pipeline.unknown-key 1:1'],
    ['stages:\n  a: { froeach: [x], do: { cmd: "go ${item}" } }\n', 'stage.foreach 2:8'],
    ['stages:\n  a: { cmd: go, refresh: { evry: 1d } }\n', 'pipeline.unknown-key 2:28'],
    ['data: [{ ptah: d }]\nstages: {}\n', 'pipeline.unknown-key 1:10'],
    ['schedule: { cron: "" }\nstages: {}\n', 'pipeline.type 1:19'],
    ['stages:\n  a: { cmd: go, env: [""] }\n', 'pipeline.type 2:23'],
    ['stages:\n  a: { cmd: go, refresh: { session: "" } }\n', 'pipeline.type 2:37'],
  ];
  for (const [text, expected] of cases) assert.deepEqual(brief(read(text, files).problems), [expected], text);
});

test('a hint is one that can be followed: no list of one item that begins with "-", and none of two lines', () => {
  const hintOf = (outs: string): string | undefined =>
    read(`stages:\n  a:\n    cmd: go\n    outs: ${outs}\n`).problems[0]?.hint;
  assert.equal(hintOf('b.csv'), 'write it as a list: [b.csv]');
  assert.equal(hintOf('\n      -b\n      -c'), 'write a blank after the "-" of each item');
  assert.equal(hintOf('|\n      b\n      c'), undefined);
});

test('a NUL in a command, as "\\0" in double quotes is one, is refused before a shell is', () => {
  const text = (cmd: string): string => `stages:\n  a: { cmd: ${cmd}, outs: [q] }\n`;
  for (const cmd of ['"tr \'\\0\' x"', '[go, "tr \'\\0\' x"]'])
    assert.deepEqual(
      brief(read(text(cmd)).problems),
      [`pipeline.value 2:${text(cmd).indexOf('"') - 7}`],
      cmd,
    );
  assert.deepEqual(read(text("'tr \\0 x'")).problems, []);
});
