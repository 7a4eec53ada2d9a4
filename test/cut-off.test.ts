import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRig } from './rig.ts';
import type { Ran, Rig, RunOptions } from './rig.ts';

interface Told {
  readonly type: string;
  readonly stage?: string;
  readonly outcome?: string;
  readonly problem?: { readonly code: string; readonly message: string };
}

const toldBy = (ran: Ran): readonly Told[] =>
  ran.stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Told);

/** Stage → outcome of one `repro`. */
async function repro(
  rig: Rig,
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<Readonly<Record<string, string>>> {
  const ran = await rig.lockstep(['repro', '--json', ...args], options);
  assert.equal(ran.code, 0, ran.stdout + ran.stderr);
  return outcomesOf(ran);
}

/** How each stage ended, also where there was nothing to do. */
function outcomesOf(ran: Ran): Readonly<Record<string, string>> {
  const ended = toldBy(ran).filter((event) => event.type === 'stage-finished');
  return Object.fromEntries(ended.map((event) => [event.stage ?? '', event.outcome ?? ''] as const));
}

const CHAIN = `name: chain
stages:
  lines: { cmd: "wc -l < in.txt | tr -d ' ' > lines.txt", deps: [in.txt], outs: [lines.txt] }
  double: { cmd: "expr $(cat lines.txt) '*' \${by} > double.txt", deps: [lines.txt], params: [by], outs: [double.txt] }
  say: { cmd: "echo $(cat double.txt) > say.txt", deps: [double.txt], outs: [say.txt] }
`;

const chain = (): Rig => createRig({ 'pipeline.yaml': CHAIN, 'params.yaml': 'by: 2\n', 'in.txt': 'a\nb\n' });

test('equal output upstream stops the wave', async () => {
  const rig = chain();
  assert.deepEqual(await repro(rig), { lines: 'ran', double: 'ran', say: 'ran' });
  rig.write('in.txt', 'x\ny\n');
  assert.deepEqual(await repro(rig), { lines: 'ran', double: 'fresh', say: 'fresh' });
  assert.equal(rig.read('say.txt'), '4\n');
});

test('a parameter that goes back restores what was made with it', async () => {
  const rig = chain();
  await repro(rig);
  const lock = rig.read('pipeline.lock');
  rig.write('params.yaml', 'by: 3\n');
  assert.deepEqual(await repro(rig), { lines: 'fresh', double: 'ran', say: 'ran' });
  assert.equal(rig.read('say.txt'), '6\n');
  rig.write('params.yaml', 'by: 2\n');
  assert.deepEqual(await repro(rig), { lines: 'fresh', double: 'restored', say: 'restored' });
  assert.equal(rig.read('say.txt'), '4\n');
  assert.equal(rig.read('pipeline.lock'), lock);
});

test('a stage that reads a part of a folder runs when that part changes, not when another does', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  split: { cmd: "mkdir -p parts/us parts/eu; for m in us eu; do cp $m.txt parts/$m/; cp $m.txt parts/$m/.gitignore; done", deps: [us.txt, eu.txt], outs: [parts/] }
  us: { cmd: "cat parts/us/* > us.out", deps: [parts/us], outs: [us.out] }
  eu: { cmd: "cat parts/eu/eu.txt > eu.out", deps: [parts/eu/eu.txt], outs: [eu.out] }
`,
    'us.txt': '1',
    'eu.txt': '1',
  });
  assert.deepEqual(await repro(rig), { split: 'ran', us: 'ran', eu: 'ran' });
  rig.write('us.txt', '2');
  assert.deepEqual(await repro(rig), { split: 'ran', us: 'ran', eu: 'fresh' });
  rig.write('eu.txt', '2');
  assert.deepEqual(await repro(rig), { split: 'ran', us: 'fresh', eu: 'ran' });
  rig.remove('parts');
  assert.deepEqual(await repro(rig), { split: 'restored', us: 'fresh', eu: 'fresh' });
});

test('a tracked input that comes back counts in the folder around it', async () => {
  const stages = 'stages:\n  s: { cmd: "ls d > s.txt", deps: [d], outs: [s.txt] }\n';
  const rig = createRig({ 'pipeline.yaml': stages, 'd/y': 'y' });
  assert.deepEqual(await repro(rig), { s: 'ran' });
  rig.write('pipeline.yaml', `data: [d/x]\n${stages}`);
  rig.write('d/x', 'x');
  assert.deepEqual(await repro(rig), { s: 'ran' });
  const lock = rig.read('pipeline.lock');
  rig.remove('d/x');
  assert.deepEqual(await repro(rig), { s: 'fresh' });
  assert.deepEqual([rig.read('d/x'), rig.read('s.txt'), rig.read('pipeline.lock')], ['x', 'x\ny\n', lock]);
});

test('a stage taken out of pipeline.yaml leaves the lock; put back, it is restored', async () => {
  const rig = chain();
  await repro(rig);
  const lock = rig.read('pipeline.lock');
  rig.write('pipeline.yaml', CHAIN.replace(/^ {2}say:.*\n/m, ''));
  assert.deepEqual(await repro(rig), { lines: 'fresh', double: 'fresh' });
  assert.doesNotMatch(rig.read('pipeline.lock'), /say/);
  rig.write('pipeline.yaml', CHAIN);
  assert.deepEqual(await repro(rig), { lines: 'fresh', double: 'fresh', say: 'restored' });
  assert.equal(rig.read('pipeline.lock'), lock);
});

test('what a stage made that pipeline.yaml no longer has is told where it is still read', async () => {
  const all = '  all: { cmd: "cat a.txt b.txt > all", deps: [a.txt, b.txt], outs: [all] }\n';
  const rig = createRig({
    'pipeline.yaml': `stages:\n  g:\n    foreach: [a, b]\n    do: { cmd: "echo x > \${item}.txt", outs: ["\${item}.txt"] }\n${all}`,
  });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.write('pipeline.yaml', rig.read('pipeline.yaml').replace('[a, b]', '[b]'));
  const ran = await rig.lockstep(['repro']);
  assert.equal(ran.code, 0);
  assert.match(
    ran.stderr,
    /warning\[dep\.orphaned\]: stage "all" reads "a\.txt", which "g@a" made, a stage that pipeline\.yaml no longer has/,
  );
});

test('a stage of no deps runs once, an always stage each time, a frozen one never', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  once: { cmd: "echo x >> ran.log; echo 1 > once.txt", outs: [once.txt] }
  each: { cmd: "echo x >> each.log; echo 1 > each.txt", always: true, outs: [each.txt] }
  behind: { cmd: "cat each.txt > behind.txt", deps: [each.txt], outs: [behind.txt] }
  cold: { cmd: "cat in.txt > cold.txt", deps: [in.txt], outs: [cold.txt] }
`,
    'in.txt': '1',
  });
  assert.deepEqual(await repro(rig), { once: 'ran', each: 'ran', behind: 'ran', cold: 'ran' });
  assert.deepEqual(await repro(rig), { once: 'fresh', each: 'ran', behind: 'fresh', cold: 'fresh' });
  rig.write(
    'pipeline.yaml',
    rig.read('pipeline.yaml').replace('deps: [in.txt]', 'frozen: true, deps: [in.txt]'),
  );
  rig.write('in.txt', '2');
  assert.deepEqual(await repro(rig), { once: 'fresh', each: 'ran', behind: 'fresh', cold: 'fresh' });
  rig.remove('cold.txt');
  assert.equal((await repro(rig))['cold'], 'restored');
  assert.equal(rig.read('cold.txt'), '1');
  rig.remove('cold.txt');
  rig.write('cold.txt', 'edited');
  const edited = await rig.lockstep(['repro']);
  assert.equal(edited.code, 0, edited.stderr);
  assert.match(edited.stderr, /warning\[out\.kept\]: "cold\.txt"/);
  assert.equal(rig.read('cold.txt'), '1');
});

test('a frozen stage that cannot stand says whether its outs are gone or nothing was recorded', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  cold: { cmd: echo 1 > cold, outs: [cold], frozen: true }\n',
    cold: '1\n',
  });
  const told = async (): Promise<string> => (await rig.lockstep(['repro'])).stderr;
  assert.match(
    await told(),
    /"cold" is frozen, and nothing is recorded that could stand for it: never run\n[^]* = hint: take "frozen" away to run it, or to record what is here with "lockstep commit"\n/,
  );
  rig.write('pipeline.yaml', rig.read('pipeline.yaml').replace(', frozen: true', ''));
  await rig.lockstep(['repro']);
  rig.write('pipeline.yaml', rig.read('pipeline.yaml').replace('[cold]', '[cold, more], frozen: true'));
  assert.match(
    await told(),
    /nothing is recorded that could stand for it: out more added in pipeline\.yaml\n/,
  );
  rig.write('pipeline.yaml', rig.read('pipeline.yaml').replace(', more', ''));
  rig.remove('cold');
  rig.remove('.lockstep/files');
  assert.match(
    await told(),
    /"cold" is frozen, and its recorded outs are neither here nor in the cache\n[^]* = hint: run "lockstep pull"/,
  );
});

const TICKS: readonly (readonly [
  refresh: string,
  times: readonly (readonly [now: string, outcome: string])[],
])[] = [
  [
    '{ every: 7d }',
    [
      ['2026-03-16T00:00:00Z', 'ran'],
      ['2026-03-22T23:59:59Z', 'fresh'],
      ['2026-03-23T00:00:00Z', 'ran'],
    ],
  ],
  [
    '{ cron: "0 6 * * 1-5", tz: Asia/Kolkata }',
    [
      ['2026-03-13T00:30:00Z', 'ran'],
      ['2026-03-15T12:00:00Z', 'fresh'],
      ['2026-03-16T00:29:59Z', 'fresh'],
      ['2026-03-16T00:30:00Z', 'ran'],
    ],
  ],
  [
    '{ session: XBOM }',
    [
      ['2026-03-13T10:30:00Z', 'ran'],
      ['2026-03-16T10:29:59Z', 'fresh'],
      ['2026-03-16T10:30:00Z', 'ran'],
    ],
  ],
];

for (const [refresh, times] of TICKS) {
  test(`refresh ${refresh} runs when its tick has moved, and only then`, async () => {
    const rig = createRig({
      'pipeline.yaml': `stages:\n  get:\n    cmd: echo x >> log; wc -l < log > got.txt\n    refresh: ${refresh}\n    outs: [got.txt]\n`,
    });
    for (const [now, outcome] of times)
      assert.deepEqual(await repro(rig, [], { env: { LOCKSTEP_NOW: now } }), { get: outcome }, now);
  });
}

test('a clock behind the locked tick keeps it and warns', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  get: { cmd: "echo x > got.txt", refresh: { every: 1d }, outs: [got.txt] }\n',
  });
  await repro(rig, [], { env: { LOCKSTEP_NOW: '2026-03-16T00:00:00Z' } });
  const lock = rig.read('pipeline.lock');
  const ran = await rig.lockstep(['repro', '--json'], { env: { LOCKSTEP_NOW: '2026-03-01T00:00:00Z' } });
  assert.deepEqual(outcomesOf(ran), { get: 'fresh' });
  assert.deepEqual(
    toldBy(ran)
      .filter((event) => event.type === 'warned')
      .map((event) => event.problem?.code),
    ['clock.behind'],
  );
  assert.equal(rig.read('pipeline.lock'), lock);
});

test('what is told before a run begins is in its history, too, and in no other one', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  get: { cmd: "echo x > got.txt", refresh: { every: 1d }, outs: [got.txt] }
  copy: { cmd: "cp in.txt copy.txt", deps: [in.txt], outs: [copy.txt] }
`,
    'in.txt': 'one\n',
  });
  await repro(rig, [], { env: { LOCKSTEP_NOW: '2026-03-16T00:00:00Z' } });
  rig.write('in.txt', 'two\n');
  const behind = { env: { LOCKSTEP_NOW: '2026-03-01T00:00:00Z' } };
  const ran = await rig.lockstep(['repro', '--json'], behind);
  const [, run = ''] = /"run":"([^"]+)"/.exec(ran.stdout) ?? [];
  const logged = await rig.lockstep(['log', run, '--json']);
  assert.deepEqual(toldBy(logged), toldBy(ran));
  assert.equal(toldBy(ran)[0]?.type, 'warned');
});

test('a clock behind the ticks of several stages names them all, in a command that is to be pasted', async () => {
  const stages = ['a', 'b'].map(
    (name) => `  ${name}: { cmd: "echo x > ${name}", refresh: { every: 1d }, outs: [${name}] }\n`,
  );
  const rig = createRig({ 'pipeline.yaml': `stages:\n${stages.join('')}` });
  await repro(rig, [], { env: { LOCKSTEP_NOW: '2026-03-16T00:00:00Z' } });
  const behind = { env: { LOCKSTEP_NOW: '2026-03-01T00:00:00Z' } };
  const { stderr } = await rig.lockstep(['repro'], behind);
  assert.match(stderr, /recorded ticks of stages "a", "b"; the recorded ones are kept\n/);
  const [, pasted = ''] = /"lockstep (repro [^"]*)"/.exec(stderr) ?? [];
  assert.deepEqual(await repro(rig, pasted.split(' ').slice(1), behind), { a: 'ran', b: 'ran' });
});

const REFRESHED: readonly (readonly [title: string, before: string, after: string, tick: string])[] = [
  ['a longer step', '{ every: 1h }', '{ every: 7d }', '2026-03-16T00:00:00.000Z'],
  [
    'another zone',
    '{ cron: "0 6 * * *" }',
    '{ cron: "0 6 * * *", tz: Asia/Kolkata }',
    '2026-03-18T00:30:00.000Z',
  ],
  [
    'a date to come taken out',
    '{ every: 1d, as_of: 2030-01-01 }',
    '{ every: 7d }',
    '2026-03-16T00:00:00.000Z',
  ],
];

for (const [title, before, after, tick] of REFRESHED) {
  test(`a changed refresh, ${title}, is no wrong clock`, async () => {
    const pipeline = (refresh: string): string =>
      `stages:\n  get: { cmd: "echo x > got.txt", refresh: ${refresh}, outs: [got.txt] }\n`;
    const rig = createRig({ 'pipeline.yaml': pipeline(before) });
    const env = { LOCKSTEP_NOW: '2026-03-18T10:20:00Z' };
    await repro(rig, [], { env });
    rig.write('pipeline.yaml', pipeline(after));
    const ran = await rig.lockstep(['repro'], { env });
    assert.doesNotMatch(ran.stderr, /warning/);
    assert.ok(rig.read('pipeline.lock').includes(tick), rig.read('pipeline.lock'));
  });
}

test('--force takes the tick of the clock for the stages it names, though a later one is recorded', async () => {
  const stage = (name: string): string =>
    `  ${name}: { cmd: "echo x > ${name}.txt", refresh: { every: 1d }, outs: [${name}.txt] }\n`;
  const rig = createRig({ 'pipeline.yaml': `stages:\n${stage('one')}${stage('two')}` });
  await repro(rig, [], { env: { LOCKSTEP_NOW: '2030-01-01T00:00:00Z' } });
  const env = { LOCKSTEP_NOW: '2026-03-18T10:20:00Z' };
  assert.deepEqual(await repro(rig, ['--force', 'one'], { env }), { one: 'ran' });
  const ticks = rig.read('pipeline.lock').match(/20\d\d-\d\d-\d\dT00:00:00\.000Z/g);
  assert.deepEqual(ticks, ['2026-03-18T00:00:00.000Z', '2030-01-01T00:00:00.000Z']);
  assert.deepEqual(await repro(rig, [], { env }), { one: 'fresh', two: 'fresh' });
});

test('an edited helper reruns exactly the stages whose code holds it', async () => {
  const stage = (body: string): string =>
    `import { writeFileSync } from 'node:fs';\nimport { defineStage } from 'lockstep-data';\n${body}\nexport default defineStage(({ outs }) => writeFileSync(outs.o!, String(value)));\n`;
  const rig = createRig({
    'pipeline.yaml': `stages:
  one: { run: stages/one.ts, outs: { o: one.txt } }
  two: { run: stages/two.ts, outs: { o: two.txt } }
  three: { run: stages/three.ts, outs: { o: three.txt } }
`,
    'stages/one.ts': stage("import { value } from '../lib/shared.ts';"),
    'stages/two.ts': stage("import { value } from '../lib/middle.ts';"),
    'stages/three.ts': stage("import type { Kind } from '../lib/shared.ts';\nconst value: Kind = 3;"),
    'lib/shared.ts': 'export type Kind = number;\nexport const value: Kind = 1;\n',
    'lib/middle.ts': "export { value } from './shared.ts';\n",
  });
  assert.deepEqual(await repro(rig), { one: 'ran', two: 'ran', three: 'ran' });
  rig.write(
    'lib/shared.ts',
    '/* a comment */ export type Kind = number | string;\nexport const value: Kind = (1)\n',
  );
  assert.deepEqual(await repro(rig), { one: 'fresh', two: 'fresh', three: 'fresh' });
  rig.write('lib/shared.ts', 'export type Kind = number;\nexport const value: Kind = 2;\n');
  const status = await rig.lockstep(['status']);
  assert.match(status.stdout, /^one +would run +code lib\/shared\.ts modified$/m);
  assert.match(status.stdout, /^two +would run +code lib\/shared\.ts modified \(via lib\/middle\.ts\)$/m);
  assert.deepEqual(await repro(rig), { one: 'ran', two: 'ran', three: 'fresh' });
});
