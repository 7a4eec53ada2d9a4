import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import type { Stage } from '../../src/base/types.ts';
import { endingError } from '../../src/execute/ending.ts';
import { leftovers } from '../crash/state.ts';
import { createRig } from '../rig.ts';
import type { Rig } from '../rig.ts';
import { eventsOf, isAlive, makeFifo, outcomesOf, problemOf, processesOf, treeOf } from './tools.ts';

/** Writes the pids of a tree: the shell, a child of it, and a grandchild that has left group and session. */
const TREE = `echo $$ > pids; sleep 600 & echo $! >> pids; setsid sh -c 'echo $$ >> pids; exec sleep 600' & while [ $(wc -l < pids) -lt 3 ]; do :; done`;

function pidsOf(rig: Rig): readonly number[] {
  return rig.read('pids').trim().split('\n').map(Number);
}

/** The launcher, for the leader of a stage's group. */
function parentOf(pid = 0): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
}

/** A killed process takes a moment to die; a living one fails the test by its time limit. */
async function untilGone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setImmediate(resolve));
}

function shellRig(cmd: string, more = ''): Rig {
  const lines = cmd
    .split('\n')
    .map((line) => `      ${line}\n`)
    .join('');
  return createRig({
    'pipeline.yaml': `stages:\n  s:\n    cmd: |\n${lines}    deps: [in]\n    outs: [out]\n${more}`,
    in: '1',
  });
}

test('a timeout ends the whole tree, grandchildren that left the group included, and names the limit', async () => {
  const rig = shellRig(`${TREE}\necho half > out\nwait`, '    timeout: 1s\n');
  const ran = await rig.lockstep(['repro', '--json']);
  assert.equal(ran.code, 1);
  const problem = problemOf(ran, 's');
  assert.equal(problem.code, 'stage.timeout');
  assert.equal(problem.message, 'stage "s" did not end within 1.0s');
  assert.match(problem.hint ?? '', /raise its timeout:.*; what it made is in \.lockstep\/failed\/s$/);
  assert.equal(pidsOf(rig).length, 3);
  assert.deepEqual(pidsOf(rig).filter(isAlive), []);
  assert.deepEqual(processesOf(rig), []);
  assert.equal(existsSync(rig.path('out')), false);
  assert.equal(rig.read('.lockstep/failed/s/out'), 'half\n');
  assert.deepEqual(leftovers(rig.root), []);
});

test('a command that opens its output by name is told what to write instead', async () => {
  const rig = shellRig('echo x | tee /dev/stderr > out');
  const problem = problemOf(await rig.lockstep(['repro', '--json']), 's');
  assert.match(problem.hint ?? '', /instead of "\/dev\/stderr" write ">&2"/);
});

test('what keeps a process from starting is told with what to do', () => {
  const stage = { name: 's', action: { kind: 'module' } } as Stage;
  const hintOf = (startError: string): string | undefined =>
    endingError(
      stage,
      { startError },
      { stopped: undefined, heapExhausted: false, opensOutput: false, wasSilent: true, explain: undefined },
    )?.problems[0].hint;
  assert.match(hintOf('EAGAIN') ?? '', /ulimit -u/);
  assert.match(hintOf('EMFILE') ?? '', /ulimit -n/);
  assert.equal(hintOf('ENOENT'), undefined);
});

test('a stage that ignores SIGTERM is killed after its grace time', async () => {
  const rig = shellRig(
    `trap '' TERM\necho $$ > pids\nwhile :; do sleep 600 & wait; done`,
    // Time enough for a busy machine to start the shell.
    '    timeout: 2s\n',
  );
  const ran = await rig.lockstep(['repro', '--json']);
  assert.equal(problemOf(ran, 's').code, 'stage.timeout');
  assert.deepEqual(pidsOf(rig).filter(isAlive), []);
});

test('a timeout holds for all commands of an attempt together', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  s:
    cmd: [sleep 0.3, sleep 0.3, sleep 0.3, sleep 0.3, echo never > out]
    outs: [out]
    timeout: 1s
`,
  });
  const ran = await rig.lockstep(['repro', '--json']);
  assert.equal(problemOf(ran, 's').message, 'stage "s" did not end within 1.0s');
  assert.equal(existsSync(rig.path('out')), false);
});

test('a timeout longer than a timer can hold does not fire at once', async () => {
  const rig = shellRig('echo x > out', '    timeout: 40d\n');
  const ran = await rig.lockstep(['repro', '--json']);
  assert.deepEqual({ ...outcomesOf(ran) }, { s: 'ran' });
});

test('what a successful stage leaves running in the background is ended before its outs are taken', async () => {
  const rig = shellRig(`${TREE}\necho x > out`);
  const ran = await rig.lockstep(['repro', '--json']);
  assert.deepEqual({ ...outcomesOf(ran) }, { s: 'ran' });
  assert.equal(pidsOf(rig).length, 3);
  assert.deepEqual(pidsOf(rig).filter(isAlive), []);
});

test('each retry starts from nothing, and the last failure is the one that counts', async () => {
  const rig = shellRig(
    `test ! -e out\necho try >> tries\necho half > out\ntest $(wc -l < tries) -ge 3\necho whole > out`,
    '    retry: { attempts: 3, delay: 20ms, factor: 2 }\n',
  );
  const ran = await rig.lockstep(['repro', '--json']);
  assert.equal(ran.code, 0, ran.stdout);
  const failed = eventsOf(ran).filter((event) => event.type === 'attempt-failed');
  assert.deepEqual(
    failed.map((event) => event.attempt),
    [1, 2],
  );
  // Half of the delay is jitter.
  for (const [index, { retryInMs }] of failed.entries()) {
    const full = 20 * 2 ** index;
    assert.ok(retryInMs >= full / 2 && retryInMs <= full, String(retryInMs));
  }
  assert.equal(rig.read('out'), 'whole\n');

  const gives = shellRig('echo try >> tries\nexit 4', '    retry: { attempts: 2, delay: 10ms }\n');
  const gaveUp = await gives.lockstep(['repro', '--json']);
  assert.equal(problemOf(gaveUp, 's').message, 'stage "s" exited with code 4');
  assert.equal(gives.read('tries'), 'try\ntry\n');
});

test('Ctrl-C: exit 130, nothing left running, old outs as they were, and the next run is a plain one', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  shell:
    cmd: |
      echo new > out; chmod 640 out; echo new > dir/a
      if [ -s wait ]; then ${TREE}; echo ready; wait; fi
    deps: [wait]
    outs: [{ out: { cache: false } }, dir/]
  module:
    run: m.ts
    deps: { wait: wait }
    outs: { out: mod/ }
  after:
    cmd: cat out > after
    deps: [out]
    outs: [after]
`.replace('[{ out: { cache: false } }, dir/]', '\n      - out: { cache: false }\n      - dir/'),
    'm.ts': `import { readFileSync, writeFileSync } from 'node:fs';
export default async ({ deps, outs, log, signal }) => {
  writeFileSync(outs.out + '/x', 'new');
  if (readFileSync(deps.wait, 'utf8') === '') return;
  const timer = setInterval(() => {}, 1e6);
  log('module waits');
  await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
};`,
    wait: '',
  });
  const first = await rig.lockstep(['repro']);
  assert.equal(first.code, 0, first.stderr);
  rig.write('out', 'edited by hand\n');
  const state = (): Record<string, string> =>
    Object.fromEntries(
      Object.entries(treeOf(rig.root)).filter(([path]) => /^(out|dir|mod|after|pipeline\.lock)/.test(path)),
    );
  const before = state();

  rig.write('wait', 'x');
  const running = rig.start(['repro', '--json', '-j', '2']);
  await Promise.all([running.seen('"ready\\n"'), running.seen('module waits')]);
  const pids = pidsOf(rig);
  running.process.kill('SIGINT');
  const ran = await running.ended;
  assert.equal(ran.code, 130);
  assert.deepEqual({ ...outcomesOf(ran) }, { shell: 'canceled', module: 'canceled', after: 'canceled' });
  // Who had begun is told from who had not by its time.
  const timed = eventsOf(ran).flatMap((event) =>
    event.type === 'stage-finished' && event.durationMs !== undefined ? [event.stage] : [],
  );
  assert.deepEqual(timed.sort(), ['module', 'shell']);
  assert.deepEqual(pids.filter(isAlive), []);
  assert.deepEqual(processesOf(rig), []);
  assert.deepEqual(state(), before);
  assert.deepEqual(leftovers(rig.root), []);

  rig.write('wait', '');
  rig.remove('pids');
  const next = await rig.lockstep(['repro', '--json']);
  assert.equal(next.code, 0, next.stderr);
  assert.ok(!next.stdout.includes('attempt-recovered'));
  assert.equal(rig.read('out'), 'new\n');
});

test('a second Ctrl-C ends at once and kills what runs; the next command puts the old outs back and says so', async () => {
  const rig = shellRig(
    `if [ -s in ]; then ${TREE}; trap '' TERM; echo half > out; echo ready; while :; do wait; done; fi\necho old > out`,
  );
  rig.write('in', '');
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.write('in', 'x');
  const running = rig.start(['repro', '--json']);
  await running.seen('"ready\\n"');
  const [leader = 0] = pidsOf(rig);
  running.process.kill('SIGINT');
  running.process.kill('SIGTERM');
  const ran = await running.ended;
  assert.equal(ran.code, 130);
  await untilGone(leader);

  rig.write('in', '');
  const next = await rig.lockstep(['repro', '--json']);
  assert.equal(next.code, 0, next.stderr);
  assert.deepEqual(
    eventsOf(next)
      .filter((event) => event.type === 'attempt-recovered')
      .map(({ stage, how }) => [stage, how]),
    [['s', 'rolled-back']],
  );
  assert.deepEqual(processesOf(rig), []);
  assert.equal(rig.read('out'), 'old\n');
  assert.deepEqual(leftovers(rig.root), []);
});

test('who has asked for the end of a stage that does not heed it is told that it was heard, and how it ends at once', async () => {
  const rig = shellRig(`trap '' TERM; echo ready; while :; do sleep 600 & wait; done`);
  const running = rig.start(['repro']);
  await running.seen('ready');
  running.process.kill('SIGINT');
  await running.seen('Stopping; Ctrl-C again ends at once.\n');
  running.process.kill('SIGINT');
  const ran = await running.ended;
  assert.deepEqual([ran.code, ran.stderr.split('\n').at(-2)], [130, 'interrupted']);
});

test('when runner and launcher are killed in mid-stage, the next command ends their orphans before it touches outs', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  with:
    cmd: |
      if [ -s in ]; then ${TREE}; echo half > out; echo ready; wait; fi
      echo old > out
    deps: [in]
    outs: [out]
  without:
    cmd: |
      if [ -s in ]; then echo half > first; echo started; sleep 600; fi
      exit 1
    deps: [in]
    outs: [first]
`,
    in: '',
  });
  assert.equal((await rig.lockstep(['repro', '-k'])).code, 1);
  rig.write('in', 'x');
  const running = rig.start(['repro', '--json', '-j', '2']);
  await Promise.all([running.seen('"ready\\n"'), running.seen('"started\\n"')]);
  // Stopped, the runner cannot act on the end of its launcher.
  running.process.kill('SIGSTOP');
  process.kill(parentOf(pidsOf(rig)[0]), 'SIGKILL');
  running.process.kill('SIGKILL');
  await running.ended;
  assert.ok(pidsOf(rig).some(isAlive), 'the orphans live on');
  assert.equal(rig.read('first'), 'half\n');

  rig.write('in', '');
  const next = await rig.lockstep(['repro', '-k']);
  assert.match(next.stderr, /with +.*(put back|recovered|old outs|rolled)/i);
  assert.deepEqual(pidsOf(rig).filter(isAlive), []);
  assert.deepEqual(processesOf(rig), []);
  assert.equal(rig.read('out'), 'old\n');
  assert.equal(existsSync(rig.path('first')), false);
  assert.match(
    next.stderr,
    /without +recovered +rolled back: .*what stood there is in \.lockstep\/failed\/without/,
  );
  assert.deepEqual(leftovers(rig.root), []);
});

test('heap exhaustion and a kill from outside are named, with the peak of memory', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  heap:
    cmd: node --max-old-space-size=24 -e 'const all = []; for (;;) all.push(new Array(1e5).fill(all.length))'
    outs: [a]
  killed:
    cmd: kill -KILL $$
    outs: [b]
  talks:
    cmd: echo 'JavaScript heap out of memory' >&2; echo > c
    outs: [c]
`,
  });
  const ran = await rig.lockstep(['repro', '--json', '-k']);
  const heap = problemOf(ran, 'heap');
  assert.equal(heap.code, 'stage.out-of-memory');
  assert.match(heap.message, /^stage "heap" ran out of JavaScript heap; its memory peaked at [\d.]+ MiB$/);
  const killed = problemOf(ran, 'killed');
  assert.equal(killed.code, 'stage.killed');
  assert.match(killed.message, /^stage "killed" was killed by SIGKILL/);
  assert.match(killed.hint ?? '', /memory/);
  assert.equal(outcomesOf(ran)['talks'], 'ran');
});

test('a stage blocked on a FIFO goes on when it is written to, and sees the clock that the run was given', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  s:\n    cmd: echo ready; cat go > out\n    outs: [out]\n',
  });
  makeFifo(rig.path('go'));
  const running = rig.start(['repro', '--json'], { env: { LOCKSTEP_NOW: '2026-03-17T10:30:00Z' } });
  await running.seen('"ready\\n"');
  writeFileSync(rig.path('go'), 'gone\n');
  const ran = await running.ended;
  assert.equal(ran.code, 0, ran.stdout);
  assert.equal(readFileSync(rig.path('out'), 'utf8'), 'gone\n');
  for (const { at } of eventsOf(ran)) assert.equal(at, Date.parse('2026-03-17T10:30:00Z'));
  // How long something took is no question of what the clock says.
  for (const event of eventsOf(ran)) if ('durationMs' in event) assert.ok(event.durationMs > 0, event.type);
});

test('a command that the system cannot start fails with the reason of the system, and one too long with what can be done', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  long:
    cmd: "true ${'x'.repeat(140_000)}"
    outs: [a]
`,
  });
  const ran = await rig.lockstep(['repro', '--json', '-k']);
  const long = problemOf(ran, 'long');
  assert.equal(long.code, 'stage.not-started');
  assert.equal(long.message, 'stage "long" could not be started (E2BIG)');
  assert.equal(
    long.hint,
    'its cmd: is longer than the system takes (128 KiB on Linux): put it into a script, or its values into a file that it reads, and add that to deps:',
  );
});
