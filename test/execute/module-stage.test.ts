import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { gunzipSync } from 'node:zlib';
import { createRig } from '../rig.ts';
import { eventsOf, outcomesOf, outputOf, problemOf } from './tools.ts';

test('a module gets named or listed deps and outs, nested params, its tick as now, and little environment', async () => {
  const rig = createRig({
    'params.yaml': 'a: { b: { c: 1, d: [x, 2] }, e: null }\nbig: 12345678901234567890\nflat: yes it is\n',
    'other.json': '{"whole": {"k": 1}}',
    'pipeline.yaml': `stages:
  named:
    run: s/named.ts
    refresh: { cron: "0 6 * * *", tz: Asia/Kolkata, as_of: now }
    deps: { text: in.txt }
    params: [a.b.c, a.b.d, a.e, big, flat, { other.json: }]
    env: [REGION, UNSET_HERE]
    outs: { result: out/named.json, folder: out/dir/ }
  listed:
    run: s/listed.ts
    deps: [in.txt, out/named.json]
    outs: [listed.json]
`,
    'in.txt': 'in',
    's/named.ts': `import { readFileSync, writeFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { defineStage } from 'lockstep-data';
export default defineStage(({ deps, outs, params, env, now }) => {
  const text = JSON.stringify({
    text: readFileSync(deps.text!, 'utf8'), params, env, now,
    names: Object.keys(process.env).sort(), zone: new Date(0).getTimezoneOffset(), tz: process.env.TZ, lc: process.env.LC_ALL,
    cwd: process.cwd(), empty: readdirSync(outs.folder!), outs: Object.keys(outs), argv: process.argv.length,
  }, (_, value) => typeof value === 'bigint' ? String(value) + 'n' : value);
  writeFileSync(outs.result!, text);
  writeFileSync(join(outs.folder!, 'f'), 'x');
});`,
    's/listed.ts': `import { writeFileSync } from 'node:fs';
export default ({ deps, outs, now }) => writeFileSync(outs['listed.json'], JSON.stringify({ deps, now }));`,
  });
  const env = {
    REGION: 'eu',
    LOCKSTEP_NOW: '2026-03-17T10:30:00Z',
    TZ: 'Asia/Tokyo',
    NODE_OPTIONS: '--no-warnings',
  };
  const ran = await rig.lockstep(['repro'], { env });
  assert.equal(ran.code, 0, ran.stderr);
  const got = JSON.parse(rig.read('out/named.json')) as Record<string, unknown>;
  assert.deepEqual(got, {
    text: 'in',
    params: {
      a: { b: { c: 1, d: ['x', 2] }, e: null },
      big: '12345678901234567890n',
      flat: 'yes it is',
      whole: { k: 1 },
    },
    env: { REGION: 'eu' },
    // 06:00 in Kolkata is 00:30 UTC.
    now: '2026-03-17T00:30:00.000Z',
    names: ['HOME', 'LC_ALL', 'LOCKSTEP_ATTEMPT', 'NODE_COMPILE_CACHE', 'PATH', 'REGION', 'TMPDIR', 'TZ'],
    zone: 0,
    tz: 'UTC',
    lc: 'C.UTF-8',
    cwd: rig.root,
    empty: [],
    outs: ['folder', 'result'],
    argv: 2,
  });
  assert.deepEqual(JSON.parse(rig.read('listed.json')), {
    deps: { 'in.txt': rig.path('in.txt'), 'out/named.json': rig.path('out/named.json') },
    now: '1970-01-01T00:00:00.000Z',
  });
  assert.ok(!rig.read('pipeline.lock').includes('"eu"'));
});

/** `stage.failed` unless another code is given. */
const FAILING: Readonly<
  Record<string, { code?: string; files: Readonly<Record<string, string>>; message: RegExp; hint?: string }>
> = {
  'throws an error': {
    files: { 'm.ts': `export default () => { throw new RangeError('7 is too many'); };` },
    message: / failed: 7 is too many$/,
  },
  'throws no error': {
    files: { 'm.ts': `export default () => { throw undefined; };` },
    message: / failed: undefined$/,
  },
  'throws an object that is no error': {
    files: { 'm.ts': `export default () => { throw { status: 503, body: { token: 'x' } }; };` },
    message: / failed: \{ status: 503, body: \[Object\] \}$/,
  },
  'throws an error whose message is no text': {
    files: {
      'm.ts': `export default () => { throw { message: Object.assign(Object.create(null), { a: 1 }) }; };`,
    },
    message: / failed: \[Object: null prototype\] \{ a: 1 \}$/,
  },
  'throws an error without words': {
    files: { 'm.ts': `export default () => { throw new RangeError(); };` },
    message: / failed: RangeError$/,
  },
  'throws an error with a cause': {
    files: {
      'm.ts': `export default () => { throw new TypeError('fetch failed', { cause: new Error('no host x.test') }); };`,
    },
    message: / failed: fetch failed: no host x\.test$/,
  },
  'throws an error that says what its cause says, in a circle': {
    files: {
      'm.ts': `const e = new Error('a: b'); e.cause = Object.assign(new Error('b'), { cause: e });
export default () => { throw e; };`,
    },
    message: / failed: a: b$/,
  },
  'throws an error with causes by the thousand, each of two errors': {
    files: {
      'm.ts': `export default () => {
  let e = new Error('first');
  for (let n = 0; n < 12_000; n++) e = new AggregateError([e, e], 'again');
  throw e;
};`,
    },
    message: / failed: again$/,
  },
  'throws several errors that say the same, and one of them as their cause': {
    files: {
      'm.ts': `const [a, b] = [new Error('down'), new Error('down')];
export default () => { throw new AggregateError([a, b], 'no mirror', { cause: b }); };`,
    },
    message: / failed: no mirror: down$/,
  },
  'throws several errors as one without words': {
    files: {
      'm.ts': `export default () => Promise.any([Promise.reject(new Error('a')), Promise.reject('b')]);`,
    },
    message: / failed: All promises were rejected: a; b$/,
  },
  'has no default export': {
    files: { 'm.ts': `export const stage = () => {};` },
    message: /the module has no default export that is a function/,
  },
  'ends its process itself, as if it were done': {
    files: {
      'm.ts': `import { writeFileSync } from 'node:fs';
export default ({ outs }) => { writeFileSync(outs.out, 'half'); process.exit(0); };`,
    },
    message: /ended its process before it was done/,
  },
  'waits for what can never come': {
    files: { 'm.ts': `export default () => new Promise(() => {});` },
    message: /waits for something that can never happen/,
  },
  'throws an error of many lines, caused by another': {
    files: {
      'm.ts': `export default () => {
  throw new Error('[\\n  { "code": "required" },\\r\\n  { "code": "type" }\\n]', { cause: new Error('two\\n\\nlines') });
};`,
    },
    message: / failed: \[ \{ "code": "required" \}, \{ "code": "type" \} \]: two lines$/,
  },
  'says by its exit code that it failed': {
    files: {
      'm.ts': `import { writeFileSync } from 'node:fs';
export default async ({ outs }) => {
  writeFileSync(outs.out, 'half');
  await Promise.reject(new Error('caught')).catch(() => { process.exitCode = 3; });
};`,
    },
    message: / failed: it set process\.exitCode to 3$/,
  },
  'reads what it does not declare, by a stream that nobody listens to': {
    files: {
      'm.ts': `import { createReadStream } from 'node:fs';\nexport default async () => {\n  createReadStream(import.meta.filename.replace('m.ts', 'data.csv'));\n  await new Promise(() => setInterval(() => {}, 10));\n};\n`,
      'data.csv': '1',
    },
    code: 'stage.undeclared',
    message: / reads "s\d+\/data\.csv", which it does not declare/,
  },
  'dies of an error that nobody catches': {
    files: {
      'm.ts': `export default () => new Promise(() => { setTimeout(() => { throw new Error('late'); }, 1); });`,
    },
    message: / failed: late$/,
  },
  'lets the runner hear nonsense': {
    files: {
      'm.ts': `export default () => { process.send(null); process.send('x'); process.send({ type: 'nonsense' }); throw new Error('after'); };`,
    },
    message: /failed: after$/,
  },
  'throws an error whose message and stack are no text': {
    files: {
      'm.ts': `export default () => { throw Object.assign(new Error('x'), { message: ['a', 7], stack: 7 }); };`,
    },
    message: / failed: \[ 'a', 7 \]$/,
  },
  'imports what is not exported': {
    files: {
      'm.ts': `import { nothing } from './n.ts';\nexport default () => nothing;`,
      'n.ts': 'export const a = 1;',
    },
    message: /does not provide an export named 'nothing'/,
    hint: 'export "nothing" there; if it is a type, write "import type { nothing }"',
  },
};

test('a module that fails does so with a sentence that says so', async (t) => {
  const cases = Object.entries(FAILING);
  const files = cases.flatMap(([, one], at) =>
    Object.entries(one.files).map(([name, text]) => [`s${at}/${name}`, text] as const),
  );
  const stages = cases.map((_, at) => `  s${at}: { run: s${at}/m.ts, outs: { out: o${at}.txt } }\n`);
  const rig = createRig({ 'pipeline.yaml': `stages:\n${stages.join('')}`, ...Object.fromEntries(files) });
  const ran = await rig.lockstep(['repro', '--json', '--keep-going']);
  assert.equal(ran.code, 1, ran.stderr);
  for (const [at, [what, { code = 'stage.failed', message, hint }]] of cases.entries())
    await t.test(`one that ${what}`, () => {
      const problem = problemOf(ran, `s${at}`);
      assert.equal(problem.code, code);
      assert.match(problem.message, message);
      if (hint !== undefined) assert.equal(problem.hint, hint);
      assert.ok(problem.message.startsWith(`stage "s${at}" `));
      assert.equal(existsSync(rig.path(`o${at}.txt`)), false);
    });
});

test('progress is told in numbers and text, whatever a module gives, and nothing where there is no number', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages: { s: { run: m.mjs, outs: { out: o.txt } } }\n',
    'm.mjs': `import { writeFileSync } from 'node:fs';
export default ({ outs, progress }) => {
  progress({ done: '3', total: '10', label: 7 });
  progress({ done: 5n, total: null, label: null, type: 'done' });
  for (const done of [undefined, null, NaN, Infinity, 'x', {}]) progress({ done });
  progress({ done: 6.5, total: {}, label: ['a', 'b'] });
  progress({ done: 7, label: { __proto__: null, a: 1 } });
  writeFileSync(outs.out, '');
};`,
  });
  const ran = await rig.lockstep(['repro', '--json']);
  assert.deepEqual({ ...outcomesOf(ran) }, { s: 'ran' }, ran.stderr);
  const told = eventsOf(ran)
    .filter((event) => event.type === 'stage-progressed')
    .map(({ done, total, label }) => ({ done, total, label }));
  assert.deepEqual(told, [
    { done: 3, total: 10, label: '7' },
    { done: 5, total: undefined, label: undefined },
    { done: 6.5, total: undefined, label: "[ 'a', 'b' ]" },
    { done: 7, total: undefined, label: '[Object: null prototype] { a: 1 }' },
  ]);
});

test('progress that is said for each of many rows is told now and then, and the last one always', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages: { s: { run: m.mjs, outs: { out: o.txt } } }\n',
    'm.mjs': `import { writeFileSync } from 'node:fs';
export default ({ outs, progress }) => {
  const until = performance.now() + 50;
  let done = 0;
  while (performance.now() < until || done < 10_000) progress({ done: ++done });
  writeFileSync(outs.out, String(done));
};`,
  });
  const ran = await rig.lockstep(['repro', '--json']);
  const told = eventsOf(ran).flatMap((event) => (event.type === 'stage-progressed' ? [event.done] : []));
  assert.deepEqual(told.slice(0, 3), [1, 2, 3]);
  assert.equal(told.at(-1), Number(rig.read('o.txt')));
  assert.ok(told.length < 5000, String(told.length));
});

test('whatever a module logs is told in words', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages: { s: { run: m.mjs, outs: { out: o.txt } } }\n',
    'm.mjs': `import { writeFileSync } from 'node:fs';
export default ({ outs, log }) => {
  log({ a: 1, b: { c: [2] } });
  log('x=7'.match(/(?<x>7)/).groups);
  log([{ a: 1 }]);
  log(new Map([['a', 1]]));
  log(new URL('https://a.test/b'));
  log(new RangeError('far'));
  for (const value of [7, undefined, null, Symbol('s')]) log(value);
  writeFileSync(outs.out, '');
};`,
  });
  const ran = await rig.lockstep(['repro', '--json']);
  assert.deepEqual({ ...outcomesOf(ran) }, { s: 'ran' }, ran.stderr);
  assert.deepEqual(outputOf(ran, 's', 'log').split('\n'), [
    '{ a: 1, b: { c: [ 2 ] } }',
    "[Object: null prototype] { x: '7' }",
    '[ { a: 1 } ]',
    "Map(1) { 'a' => 1 }",
    'https://a.test/b',
    'RangeError: far',
    '7',
    'undefined',
    'null',
    'Symbol(s)',
    '',
  ]);
});

test('messages that are none of ours are passed over, also where secrets are masked', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages: { s: { run: m.mjs, secrets: [TOKEN], outs: { out: o.txt } } }\n',
    'm.mjs': `import { writeFileSync } from 'node:fs';
export default ({ outs, log }) => {
  process.send({ type: 'log' });
  process.send({ type: 'progress', done: 1, label: 5 });
  process.send({ type: 'progress', done: 'x', total: {} });
  process.send({ type: 'denied', permission: 'FileSystemRead', resource: 7 });
  process.send({ type: 'failed', message: {}, stack: 7 });
  log('after');
  writeFileSync(outs.out, '');
};`,
  });
  const ran = await rig.lockstep(['repro', '--json'], { env: { TOKEN: 's3cr3t-value' } });
  assert.deepEqual({ ...outcomesOf(ran) }, { s: 'ran' }, ran.stderr);
  assert.equal(outputOf(ran, 's', 'log'), 'after\n');
  assert.ok(!ran.stdout.includes('stage-progressed'));
});

test('no secret is in what is said of gates, nor in names of files that a stage should not have written', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  gated:
    run: gated.mjs
    secrets: [TOKEN]
    outs: { quality: { path: quality.json, metric: true, cache: false } }
    gates: { quality: { token: { equals: none } } }
  stray: { run: stray.mjs, secrets: [TOKEN], outs: { out: o.txt } }
  named: { cmd: 'mkdir -p d && touch "d/$TOKEN"', secrets: [TOKEN], outs: [d/] }
`,
    'gated.mjs': `import { writeFileSync } from 'node:fs';
export default ({ outs, env }) => writeFileSync(outs.quality, JSON.stringify({ token: { [env.TOKEN]: [env.TOKEN] } }));`,
    'stray.mjs': `import { writeFileSync } from 'node:fs';
export default ({ outs, env }) => {
  writeFileSync(outs.out, '');
  writeFileSync(outs.out + env.TOKEN, '');
};`,
  });
  // In JSON it does not look like this.
  const env = { TOKEN: String.raw`s3cr3t"val\ue` };
  const ran = await rig.lockstep(['repro', '--keep-going', '--json'], { env });
  assert.deepEqual({ ...outcomesOf(ran) }, { gated: 'failed', stray: 'failed', named: 'failed' });
  assert.equal(
    problemOf(ran, 'stray').message,
    'stage "stray" wrote "o.txt***" beside its outs, which it does not declare',
  );
  assert.match(problemOf(ran, 'gated').message, /but it is \{"\*\*\*":\["\*\*\*"\]\}$/);
  assert.equal(problemOf(ran, 'named').code, 'path.name');
  rig.write('quality.json', JSON.stringify({ token: env.TOKEN }));
  const committed = await rig.lockstep(['commit', 'gated', '--json'], { env });
  assert.match(committed.stdout, /gate\.failed/);
  const told = [ran.stdout, ran.stderr, committed.stdout, committed.stderr].join('');
  assert.ok(!told.includes('s3cr3t'), told);
});

test('a module runs again when one of two names for a dep is gone or another', async () => {
  const pipeline = (deps: string): string => `stages: { s: { run: s.ts, deps: ${deps}, outs: { o: o } } }\n`;
  const rig = createRig({
    'pipeline.yaml': pipeline('{ p: x, q: x }'),
    's.ts': `import { writeFileSync } from 'node:fs';
export default ({ deps, outs }) => writeFileSync(outs.o, Object.keys(deps).sort().join());`,
    x: '',
  });
  for (const [deps, made] of [
    ['{ p: x, q: x }', 'p,q'],
    ['{ q: x }', 'q'],
    ['{ r: x, q: x }', 'q,r'],
  ] as const) {
    rig.write('pipeline.yaml', pipeline(deps));
    assert.equal((await rig.lockstep(['repro'])).code, 0);
    assert.equal(rig.read('o'), made);
  }
});

test('a module that is not there, and one that does not parse, are told with their place before anything runs', async () => {
  const rig = createRig({
    'pipeline.yaml':
      'stages:\n  a:\n    cmd: touch a\n    outs: [a]\n  s:\n    run: gone.ts\n    outs: { out: o.txt }\n',
  });
  const gone = await rig.lockstep(['repro']);
  assert.equal(gone.code, 2);
  assert.match(
    gone.stderr,
    /error\[code\.missing\]: "gone\.ts", which the stage needs, does not exist\n --> pipeline\.yaml:5:3/,
  );
  rig.write('gone.ts', 'export default () => {\n  const = 1;\n};\n');
  const broken = await rig.lockstep(['repro']);
  assert.equal(broken.code, 2);
  assert.match(broken.stderr, /error\[code\.syntax\]: "gone\.ts" does not parse: .*\n --> gone\.ts:/);
  assert.throws(() => readFileSync(rig.path('a')));
  rig.write('gone.ts', 'enum A { B }\nexport default () => A.B;\n');
  assert.match((await rig.lockstep(['repro'])).stderr, /error\[code\.syntax\]: "gone\.ts" does not parse: /);
});

test('the stack of a failing module is shown with its place, and what it printed before', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  s:\n    run: m.ts\n    outs: { out: o.txt }\n',
    'm.ts': `type A = string;\nexport default () => {\n  console.log('before');\n  throw new Error('here');\n};\n`,
  });
  const ran = await rig.lockstep(['repro', '--json']);
  assert.deepEqual({ ...outcomesOf(ran) }, { s: 'failed' });
  assert.match(outputOf(ran, 's', 'stdout'), /^before\n$/);
  assert.match(outputOf(ran, 's', 'stderr'), /Error: here\n +at .*m\.ts:4:9/);
});

test('files that a module did not wait for are written to their end, whatever else it leaves', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  still:
    run: still.mjs
    deps: { big: big.txt }
    outs: { text: text, lines: lines, packed: packed.gz, folder: folder/ }
  left:
    run: left.mjs
    outs: { text: left }
  idle:
    run: idle.mjs
    allow: [workers]
    timeout: 10s
    outs: { text: idle }
`,
    'big.txt': 'a line like many others\n'.repeat(200_000),
    'still.mjs': `import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createGzip } from 'node:zlib';
export default ({ deps, outs, log }) => {
  log('begins');
  console.log('too');
  writeFile(outs.text, 'x'.repeat(3_000_000));
  const lines = createWriteStream(outs.lines);
  for (let i = 0; i < 50_000; i += 1) lines.write(i + '\\n');
  lines.end();
  createReadStream(deps.big).pipe(createGzip()).pipe(createWriteStream(outs.packed));
  ['a', 'b'].forEach(async (name) => writeFile(outs.folder + '/' + name, await readFile(deps.big)));
};`,
    'left.mjs': `import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
export default async ({ outs }) => {
  setInterval(() => {}, 1);
  for (const at of [0, process.env.TMPDIR + '/socket'])
    await new Promise((resolve) => createServer().listen(at, resolve));
  writeFile(outs.text, 'x'.repeat(3_000_000));
};`,
    'idle.mjs': `import { writeFile } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
const waits = "require('node:worker_threads').parentPort.on('message', () => {})";
export default ({ outs }) => {
  new Worker(waits, { eval: true });
  writeFile(outs.text, 'x'.repeat(3_000_000)).then(() => new Worker(waits, { eval: true }));
};`,
  });
  const ran = await rig.lockstep(['repro', '--json']);
  assert.deepEqual({ ...outcomesOf(ran) }, { idle: 'ran', left: 'ran', still: 'ran' }, ran.stdout);
  const big = rig.read('big.txt');
  assert.equal(rig.read('text').length, 3_000_000);
  assert.equal(rig.read('lines').split('\n').length, 50_001);
  assert.equal(gunzipSync(readFileSync(rig.path('packed.gz'))).toString(), big);
  assert.deepEqual([rig.read('folder/a'), rig.read('folder/b')], [big, big]);
  assert.equal(rig.read('left').length, 3_000_000);
  assert.equal(rig.read('idle').length, 3_000_000);
});

test('the code of a library error is told with its sentence', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  s:\n    run: s.ts\n    outs: [out]\n',
    's.ts': `export default () => { throw Object.assign(new Error('no list'), { code: 'source.none' }); };`,
  });
  const ran = await rig.lockstep(['repro']);
  assert.match(ran.stderr, /stage "s" failed: no list \(source\.none\)/);
});

test('an error that calls itself hopeless is not tried again, any other is', async () => {
  const rig = createRig({
    'pipeline.yaml':
      'stages:\n  s:\n    run: s.ts\n    deps: [hopeless]\n    outs: [out]\n    retry: { attempts: 2, delay: 1ms }\n',
    's.ts': `import { readFileSync } from 'node:fs';
export default ({ deps }) => {
  throw Object.assign(new Error('no'), readFileSync(deps.hopeless, 'utf8') === 'yes' && { retryable: false });
};`,
    hopeless: 'yes',
  });
  const attemptsOf = async (): Promise<number> => {
    const { stdout } = await rig.lockstep(['repro', '--json']);
    return stdout.split('\n').filter((line) => line.includes('"stage-started"')).length;
  };
  assert.equal(await attemptsOf(), 1);
  rig.write('hopeless', 'no');
  assert.equal(await attemptsOf(), 2);
});

test('code runs alike whether its types were taken out just now or long ago, and stacks name its true lines', async () => {
  const code = `import { writeFileSync } from 'node:fs';
type Name = string;
interface Wide {
  readonly out: Name;
}
export default ({ outs }: { outs: Record<string, string> }) => {
  const wide: Wide = { out: import.meta.filename };
  writeFileSync(outs['out']!, wide.out);
  throw new Error('here');
};
`;
  const rig = createRig({
    'package.json': '{ "type": "module" }',
    'pipeline.yaml':
      'stages:\n  a: { run: s/a.ts, outs: { out: a.txt } }\n  b: { run: s/b.mts, outs: { out: b.txt } }\n',
    's/a.ts': code,
    's/b.mts': code,
  });
  // The second time the types are no news, and the process reads the files itself.
  for (const run of ['first', 'second']) {
    const ran = await rig.lockstep(['repro', '--json', '--keep-going']);
    for (const [stage, file] of [
      ['a', 's/a.ts'],
      ['b', 's/b.mts'],
    ] as const) {
      assert.match(outputOf(ran, stage, 'stderr'), new RegExp(`${file}:9:9`), run);
      assert.equal(rig.read(`.lockstep/failed/${stage}/${stage}.txt`), rig.path(file));
    }
  }
});

test('what runs is the text that was fingerprinted, also when the file has changed since', async () => {
  const code = (text: string): string => `import { writeFileSync } from 'node:fs';
export default ({ outs }: { outs: Record<string, string> }) => writeFileSync(outs['a.txt']!, '${text}');
`;
  const rig = createRig({
    'package.json': '{ "type": "module" }',
    'pipeline.yaml': `stages:
  first: { cmd: cp new.ts s/a.ts && echo done > first.txt, deps: [new.ts], outs: [first.txt] }
  a: { run: s/a.ts, deps: [first.txt], outs: [a.txt] }
`,
    'new.ts': code('new'),
    's/a.ts': code('old'),
  });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  assert.equal(rig.read('a.txt'), 'old');
  const next = await rig.lockstep(['repro', '--json']);
  assert.deepEqual(outcomesOf(next), { first: 'fresh', a: 'ran' });
  assert.equal(rig.read('a.txt'), 'new');
});

test('code that changes in the midst of a run fails its stage, which does not start', async () => {
  const code = (text: string): string => `import { writeFileSync } from 'node:fs';
export default ({ outs, log }) => { log('it runs'); writeFileSync(outs['a.txt'], '${text}'); };
`;
  const rig = createRig({
    'pipeline.yaml': `stages:
  first: { cmd: cp new.mjs s/a.mjs && echo done > first.txt, deps: [new.mjs], outs: [first.txt] }
  a: { run: s/a.mjs, deps: [first.txt], outs: [a.txt] }
`,
    'new.mjs': code('new'),
    's/a.mjs': code('old'),
  });
  const ran = await rig.lockstep(['repro', '--json']);
  assert.equal(ran.code, 1);
  assert.deepEqual(
    { code: problemOf(ran, 'a').code, message: problemOf(ran, 'a').message },
    { code: 'code.changed', message: '"s/a.mjs" changed before stage "a" was done' },
  );
  assert.equal(outputOf(ran, 'a', 'log'), '');
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  assert.equal(rig.read('a.txt'), 'new');
});

test('code that changes while its stage runs fails the stage, which may have run either text', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  a: { run: s/a.mjs, hermetic: false, outs: [a.txt] }\n',
    's/a.mjs': `import { appendFileSync, writeFileSync } from 'node:fs';
export default ({ outs }) => {
  appendFileSync('s/a.mjs', 'export const more = 1;\\n');
  writeFileSync(outs['a.txt'], 'made');
};
`,
  });
  const ran = await rig.lockstep(['repro', '--json']);
  assert.equal(ran.code, 1);
  assert.equal(problemOf(ran, 'a').code, 'code.changed');
  assert.equal(existsSync(rig.path('a.txt')), false);
});

test('a project that cannot import the package is told to install it', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  s: { run: s.mts, outs: [o] }\n',
    's.mts': "import { defineStage } from 'lockstep-data';\nexport default defineStage(() => {});\n",
  });
  rig.remove('node_modules');
  const ran = await rig.lockstep(['repro', '--json']);
  assert.equal(ran.code, 1);
  const { hint } = problemOf(ran, 's');
  assert.equal(
    hint,
    'in a clone of Lockstep "npm run pack" makes the package; install that file here: "npm install --save-dev FILE"',
  );
});
