import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { CLI, createRig } from '../rig.ts';
import { eventsOf, makeFifo, outcomesOf } from './tools.ts';

test('a second repro waits, says for whom and since when, and then finds everything fresh', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  s:\n    cmd: echo ready; cat go > out\n    outs: [out]\n',
  });
  makeFifo(rig.path('go'));
  const env = { LOCKSTEP_NOW: '2026-03-17T10:30:00Z' };
  const first = rig.start(['repro', '--json'], { env });
  await first.seen('"ready\\n"');

  const hurried = await rig.lockstep(['repro', '--wait', '0'], { env });
  assert.equal(hurried.code, 3);
  assert.equal(
    hurried.stderr,
    `error[mutex.busy]: the project is in use by "lockstep repro --json" (process ${first.process.pid}), since 2026-03-17T10:30:00.000Z\n = hint: wait for it to end, or give a longer --wait\n`,
  );
  const status = await rig.lockstep(['status'], { env });
  assert.equal(status.code, 0, 'what only reads does not wait');
  const dry = await rig.lockstep(['repro', '--dry-run'], { env });
  assert.equal(dry.code, 0);

  const second = rig.start(['repro'], { env });
  await second.seen('waiting for the workspace: lockstep repro --json holds it since 2026-03-17T10:30:00Z');
  writeFileSync(rig.path('go'), 'x');
  assert.equal((await first.ended).code, 0);
  const ended = await second.ended;
  assert.equal(ended.code, 0);
  assert.match(ended.stderr, /1 stage: 1 fresh|Everything is fresh/);
  assert.ok(!ended.stderr.includes('started'));
});

test('a stage that calls lockstep in its own project is told at once that it cannot be waited for', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  s: { cmd: '"${process.execPath}" "${CLI}" status && "${process.execPath}" "${CLI}" repro t --wait 3600; echo $? > out', outs: [out] }
  t: { cmd: echo x > t, outs: [t] }
`,
  });
  const ran = await rig.lockstep(['repro', 's']);
  assert.equal(ran.code, 0, ran.stderr);
  assert.match(
    ran.stderr,
    /error\[mutex\.busy\]: the project is in use by "lockstep repro s", of which this is a stage$/m,
  );
  assert.equal(rig.read('out'), '3\n');
});

test('who waited works on what the project has become meanwhile', async () => {
  const rig = createRig({
    'pipeline.yaml':
      'stages:\n  s: { cmd: "echo ready; cat go > out", outs: [out] }\n  t: { cmd: "echo ${v} > t", outs: [t] }\n',
    'params.yaml': 'v: 1\n',
  });
  makeFifo(rig.path('go'));
  const first = rig.start(['repro', 's', '--json']);
  await first.seen('"ready\\n"');
  const second = rig.start(['repro', 't']);
  const third = rig.start(['commit', 't']);
  await Promise.all([second, third].map((waiting) => waiting.seen('waiting for the workspace')));
  rig.write('params.yaml', 'v: 2\n');
  writeFileSync(rig.path('go'), 'x');
  assert.equal((await first.ended).code, 0);
  const ended = await second.ended;
  assert.equal(ended.code, 0, ended.stderr);
  assert.equal(rig.read('t'), '2\n');
  assert.notEqual((await third.ended).code, 70);
  assert.match((await rig.lockstep(['status'])).stdout, /everything is fresh/i);
});

test('who waited does not take back the later tick that was recorded meanwhile', async () => {
  const rig = createRig({
    'pipeline.yaml':
      'stages:\n  s: { cmd: "echo x >> log; echo ready; cat go > out", refresh: { every: 1h }, outs: [out] }\n',
  });
  makeFifo(rig.path('go'));
  const later = rig.start(['repro', '--json'], { env: { LOCKSTEP_NOW: '2026-03-17T12:30:00Z' } });
  await later.seen('"ready\\n"');
  const second = rig.start(['repro', '--json'], { env: { LOCKSTEP_NOW: '2026-03-17T11:30:00Z' } });
  await second.seen('mutex-waited');
  writeFileSync(rig.path('go'), 'x');
  assert.equal((await later.ended).code, 0);
  const ended = await second.ended;
  assert.deepEqual(outcomesOf(ended), { s: 'fresh' });
  assert.match(ended.stdout, /"clock\.behind"/);
  assert.equal(rig.read('log'), 'x\n');
  assert.match(rig.read('pipeline.lock'), /tick: "2026-03-17T12:00:00\.000Z"/);
});

test('a checkout waits for nobody when all is in place, and like any other when something is not', async () => {
  const rig = createRig({
    'pipeline.yaml':
      'stages:\n  a:\n    cmd: echo a > a\n    outs: [a]\n  s:\n    cmd: echo ready; cat go > out\n    outs: [out]\n',
  });
  makeFifo(rig.path('go'));
  assert.equal((await rig.lockstep(['repro', 'a'])).code, 0);
  const first = rig.start(['repro', '--json']);
  await first.seen('"ready\\n"');
  const idle = await rig.lockstep(['checkout', 'a', '--wait', '0']);
  assert.deepEqual([idle.code, idle.stdout], [0, 'The workspace is as pipeline.lock says.\n']);
  rig.remove('a');
  const refused = await rig.lockstep(['checkout', 'a', '--wait', '0']);
  assert.equal(refused.code, 3);
  assert.ok(!existsSync(rig.path('a')));
  const waiting = rig.start(['checkout', 'a']);
  await waiting.seen('waiting for the workspace');
  writeFileSync(rig.path('go'), 'x');
  assert.equal((await first.ended).code, 0);
  assert.equal((await waiting.ended).stdout, 'checked out a\n');
  assert.equal(rig.read('a'), 'a\n');
});

test('Ctrl-C ends a command that waits for another one', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  s:\n    cmd: echo ready; cat go > out\n    outs: [out]\n',
  });
  makeFifo(rig.path('go'));
  const first = rig.start(['repro', '--json']);
  await first.seen('"ready\\n"');
  const second = rig.start(['repro']);
  await second.seen('waiting for the workspace');
  second.process.kill('SIGINT');
  const ended = await second.ended;
  assert.equal(ended.code, 130);
  assert.equal(ended.stderr.includes('internal.bug'), false, ended.stderr);
  writeFileSync(rig.path('go'), 'x');
  assert.equal((await first.ended).code, 0);
});

test('-j stages run at a time, and no more of a pool than it holds', async () => {
  const stage = (name: string, more = ''): string =>
    `  ${name}:\n    cmd: echo here-${name}; cat go-${name} > ${name}\n    outs: [${name}]\n${more}`;
  const rig = createRig({
    'pipeline.yaml': `pools: { net: 1 }\nstages:\n${stage('a', '    pool: net\n')}${stage('b', '    pool: net\n')}${stage('c')}${stage('d')}`,
  });
  for (const name of 'abcd') makeFifo(rig.path(`go-${name}`));
  const running = rig.start(['repro', '--json', '-j', '2']);
  // `b` may not start beside `a`, so `c` does.
  await Promise.all([running.seen('here-a'), running.seen('here-c')]);
  writeFileSync(rig.path('go-a'), '');
  await running.seen('here-b');
  writeFileSync(rig.path('go-b'), '');
  await running.seen('here-d');
  writeFileSync(rig.path('go-c'), '');
  writeFileSync(rig.path('go-d'), '');
  const ran = await running.ended;
  const steps = eventsOf(ran).flatMap((event) =>
    event.type === 'stage-started'
      ? [`+${event.stage}`]
      : event.type === 'stage-committing'
        ? [`-${event.stage}`]
        : [],
  );
  let atOnce = 0;
  let most = 0;
  for (const step of steps) most = Math.max(most, (atOnce += step.startsWith('+') ? 1 : -1));
  assert.equal(most, 2, steps.join(' '));
  assert.deepEqual(
    steps.filter((step) => step.startsWith('+')),
    ['+a', '+c', '+b', '+d'],
  );
});

test('who holds up the most starts first, by the longest path of the durations of the last run', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  quick: { cmd: cat in > quick, deps: [in], outs: [quick] }
  head: { cmd: cat in > head, deps: [in], outs: [head] }
  tail: { cmd: cat head > tail, deps: [head], outs: [tail] }
  slow: { cmd: cat in > slow, deps: [in], outs: [slow] }
`,
    in: '1',
  });
  const roots = async (): Promise<readonly string[]> =>
    eventsOf(await rig.lockstep(['repro', '--json', '-j', '1']))
      .filter((event) => event.type === 'stage-started')
      .map((event) => event.stage)
      .filter((stage) => stage !== 'tail');
  // Without durations every stage counts the same, so the longer chain leads.
  assert.deepEqual(await roots(), ['head', 'quick', 'slow']);
  const durations = { quick: 10, head: 20, tail: 40, slow: 50 };
  const lines = Object.entries(durations).map(([stage, durationMs]) =>
    JSON.stringify({ v: 1, at: 0, type: 'stage-finished', stage, outcome: 'ran', reasons: [], durationMs }),
  );
  rig.remove('.lockstep/history');
  rig.write('.lockstep/history/20990101T000000-abcd.ndjson', `${lines.join('\n')}\n`);
  rig.write('in', '2');
  assert.deepEqual(await roots(), ['head', 'slow', 'quick']);
});

test('after a failure nothing new starts and what runs may finish; --keep-going does what does not depend on it', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  bad: { cmd: cat go-bad; exit 1, outs: [bad] }
  long: { cmd: echo here-long; cat go-long > long, outs: [long] }
  later: { cmd: touch later, outs: [later] }
  below: { cmd: cat bad > below, deps: [bad], outs: [below] }
  lowest: { cmd: cat below > lowest, deps: [below], outs: [lowest] }
  after-long: { cmd: cat long > after-long, deps: [long], outs: [after-long] }
`,
  });
  makeFifo(rig.path('go-bad'));
  makeFifo(rig.path('go-long'));
  const running = rig.start(['repro', '--json', '-j', '2']);
  await running.seen('here-long');
  writeFileSync(rig.path('go-bad'), '');
  await running.seen('"outcome":"failed"');
  writeFileSync(rig.path('go-long'), 'x');
  const ran = await running.ended;
  assert.equal(ran.code, 1);
  assert.deepEqual(
    { ...outcomesOf(ran) },
    {
      bad: 'failed',
      long: 'ran',
      later: 'canceled',
      below: 'blocked',
      lowest: 'blocked',
      'after-long': 'canceled',
    },
  );
  assert.equal(existsSync(rig.path('later')), false);
  assert.match(rig.read('pipeline.lock'), /^ {2}long:$/m);

  rig.write('pipeline.yaml', rig.read('pipeline.yaml').replace('cat go-bad; exit 1', 'exit 1'));
  const kept = await rig.lockstep(['repro', '--json', '-k', '-j', '1']);
  assert.equal(kept.code, 1);
  assert.deepEqual(
    { ...outcomesOf(kept) },
    { bad: 'failed', long: 'fresh', later: 'ran', below: 'blocked', lowest: 'blocked', 'after-long': 'ran' },
  );
});

test('who took the workspace after .lockstep was removed is not overwritten by who had it before', async () => {
  const rig = createRig({
    'pipeline.yaml':
      'stages:\n  s: { cmd: "echo ready; cat go > out", outs: [out] }\n  t: { cmd: echo t > t, outs: [t] }\n',
  });
  makeFifo(rig.path('go'));
  const first = rig.start(['repro', 's', '--json']);
  await first.seen('"ready\\n"');
  rig.remove('.lockstep');
  const second = await rig.lockstep(['repro', 't']);
  assert.equal(second.code, 0, second.stderr);
  const lock = rig.read('pipeline.lock');
  writeFileSync(rig.path('go'), 'x');
  const ended = await first.ended;
  assert.equal(ended.code, 3, ended.stdout);
  assert.match(ended.stdout, /"code":"mutex\.lost"/);
  assert.equal(rig.read('pipeline.lock'), lock);
  const again = rig.start(['repro']);
  await Promise.all([
    again.ended,
    again.seen('ready').then(
      () => writeFileSync(rig.path('go'), 'x'),
      () => undefined,
    ),
  ]);
  assert.match((await rig.lockstep(['status'])).stdout, /everything is fresh/i);
});
