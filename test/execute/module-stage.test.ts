import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
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

test('half a character, where a module cuts a text, is told as one that JSON and UTF-8 can hold', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  s: { run: s.mts, outs: { o: o } }\n',
    's.mts': `export default ({ log, progress }) => {
  log('no emoji: \u{1F600}'.slice(0, 11));
  progress({ done: 1, label: '\u{1F600}'.slice(1) });
  throw new Error('\u{1F600}'.slice(0, 1));
};
`,
  });
  const ran = await rig.lockstep(['repro', '--json']);
  assert.doesNotMatch(ran.stdout, /\\ud[89a-f]/i);
  const shown = eventsOf(ran).flatMap((event) =>
    event.type === 'stage-progressed' ? [event.label] : event.type === 'stage-output' ? [event.chunk] : [],
  );
  assert.deepEqual(shown.slice(0, 2), ['no emoji: \uFFFD\n', '\uFFFD']);
  assert.equal(problemOf(ran, 's').message, 'stage "s" failed: \uFFFD');
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
