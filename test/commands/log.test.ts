import assert from 'node:assert/strict';
import test from 'node:test';
import { formatRun } from '../../src/commands/log.ts';
import { createRig } from '../rig.ts';
import { createDemo, jsonOf, succeeded } from './projects.ts';

test('log lists the runs, newest first, and a run that had nothing to do is none', async () => {
  const rig = await createDemo();
  succeeded(await rig.lockstep(['repro']));
  rig.write('in.txt', 'four\n');
  rig.write('pipeline.yaml', rig.read('pipeline.yaml').replace('ls parts', 'false; exit 3; ls parts'));
  assert.equal((await rig.lockstep(['repro'])).code, 1);
  const { stdout } = succeeded(await rig.lockstep(['log']));
  const [last, first, end] = stdout.split('\n');
  assert.match(last ?? '', /^\d{8}T\d{9}-[0-9a-f]{4}  failed +[\d.]+m?s  2 ran, 1 failed$/);
  assert.match(first ?? '', /^\d{8}T\d{9}-[0-9a-f]{4}  succeeded +[\d.]+m?s  3 ran$/);
  assert.equal(end, '');
  assert.equal(succeeded(await rig.lockstep(['log', '-n', '1'])).stdout, `${last}\n`);
});

test('log of one run tells each stage, why it ran or how it failed', async () => {
  const rig = await createDemo();
  rig.write('in.txt', 'four\n');
  rig.write('pipeline.yaml', rig.read('pipeline.yaml').replace('ls parts', 'exit 3; ls parts'));
  assert.equal((await rig.lockstep(['repro'])).code, 1);
  const [row] = jsonOf(await rig.lockstep(['log', '--json']));
  const { stdout } = succeeded(await rig.lockstep(['log', String(row?.['run'])]));
  assert.match(stdout, /^ {2}copy +ran +[\d.]+m?s +dep in\.txt modified$/m);
  assert.match(stdout, /^ {2}count +failed +[\d.]+m?s +stage "count" exited with code 3$/m);
  assert.equal(
    succeeded(await rig.lockstep(['log', String(row?.['run']).slice(0, 20)])).stdout.split('\n').length,
    6,
  );
});

test('a run of more stages than a call takes arguments is told', () => {
  const stage = { verdict: 'run', phase: 'done', attempt: 1, outcome: 'ran', reasons: [] } as const;
  const names = Array.from({ length: 200_000 }, (_, index) => `s@${index}`);
  const stages = new Map(names.map((name) => [name, { ...stage, stage: name }]));
  const lines = formatRun({ outcome: 'succeeded', durationMs: 1, stages }, 'r').split('\n');
  assert.equal(lines[0], 'r  succeeded      1ms  200000 ran');
  assert.equal(lines[2], '  s@0       ran                ');
  assert.equal(lines.length, 200_003);
});

test('what a stage threw stands in log on one line, and moves nothing in a terminal', () => {
  const problem = { code: 'stage.failed', message: 'stage "s" failed: one\n\u001b[2Jtwo\rthree' };
  const failed = {
    verdict: 'run',
    phase: 'done',
    attempt: 1,
    outcome: 'failed',
    reasons: [],
    problem,
  } as const;
  const text = formatRun(
    { outcome: 'failed', durationMs: 1, stages: new Map([['s', { ...failed, stage: 's' }]]) },
    'r',
  );
  assert.equal(text.split('\n')[2], '  s      failed             stage "s" failed: one [2Jtwo three');
});

test('outcomes of stages with wide names stand below one another', () => {
  const stage = { verdict: 'run', phase: 'done', attempt: 1, outcome: 'ran', reasons: [] } as const;
  const stages = new Map(['日本', 'abcdef'].map((name) => [name, { ...stage, stage: name }]));
  const lines = formatRun({ outcome: 'succeeded', durationMs: 1, stages }, 'r').split('\n');
  assert.deepEqual(
    lines.slice(2, 4).map((line) => line.trimEnd()),
    ['  日本    ran', '  abcdef  ran'],
  );
});

test('a run that goes on is one that is running, and one that was killed was cut off', async () => {
  const rig = createRig({
    'pipeline.yaml':
      'name: a\nstages:\n  slow: { cmd: "echo holding; sleep 60", outs: [a] }\n  next: { cmd: cp a b, deps: [a], outs: [b] }\n',
  });
  const running = rig.start(['repro', '--json']);
  await running.seen('holding');
  // Batches of the history are written 200 ms after their first event at the latest: the first run is one batch.
  while (jsonOf(await rig.lockstep(['log', '--json'])).length === 0);
  const [live] = jsonOf(await rig.lockstep(['log', '--json']));
  assert.equal(live?.['outcome'], 'running');
  const stages = succeeded(await rig.lockstep(['log', String(live?.['run'])])).stdout;
  assert.match(stages, /^\S+  running +\n\n  slow   running .*\n  next   waiting /);
  running.process.kill('SIGKILL');
  await running.ended;
  assert.match(succeeded(await rig.lockstep(['log'])).stdout, /^\d{8}T\d{9}-[0-9a-f]{4}  cut off +\n$/);
  const [row] = jsonOf(await rig.lockstep(['log', '--json']));
  assert.equal(row?.['outcome'], 'cut off');
});

test('without runs, with an unknown one, and with a number that is none, log says so', async () => {
  const rig = createRig({ 'pipeline.yaml': 'name: a\nstages: {}\n' });
  assert.equal(succeeded(await rig.lockstep(['log'])).stdout, 'Nothing has run here yet.\n');
  const unknown = await rig.lockstep(['log', '2026']);
  assert.equal(unknown.code, 2);
  assert.equal(unknown.stderr, 'error[run.unknown]: there is no run "2026"\n = hint: see "lockstep log"\n');
  const number = await rig.lockstep(['log', '--last', 'x']);
  assert.equal(number.code, 2);
  assert.match(number.stderr, /^error\[cli\.value\]: "--last" takes a whole number above 0, not "x"\n/);
});

test('of several reasons log tells the first and how many more there are', async () => {
  const rig = await createDemo();
  rig.write('in.txt', 'four\n');
  rig.write('pipeline.yaml', rig.read('pipeline.yaml').replace('cat in.txt', 'cat  in.txt'));
  succeeded(await rig.lockstep(['repro']));
  const [row] = jsonOf(await rig.lockstep(['log', '--json']));
  const { stdout } = succeeded(await rig.lockstep(['log', String(row?.['run'])]));
  assert.match(stdout, /^ {2}copy +ran +[\d.]+m?s +command changed: .* \(and 1 more\)$/m);
});

test('the end of a run is its last event, also where its history cannot be written', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  s: { cmd: "echo x > out", outs: [out] }\n',
    '.lockstep/history': 'no folder\n',
  });
  const ran = await rig.lockstep(['repro', '--json']);
  assert.equal(ran.code, 0);
  const types = ran.stdout.split('\n').flatMap((line) => /"type":"([^"]*)"/.exec(line)?.[1] ?? []);
  assert.equal(types.filter((type) => type === 'warned').length, 1, ran.stdout);
  assert.equal(types.at(-1), 'run-finished');
});
