import assert from 'node:assert/strict';
import test from 'node:test';
import type { Clock } from '../../src/io/clock.ts';
import { isOwnerAlive, ownerMark, processStart } from '../../src/io/process-id.ts';
import { spawnGroup } from '../../src/io/process-group.ts';
import { MARK, isGroupAlive, processesWithMark, stopGroup } from '../../src/io/process.ts';

const LINUX = { skip: process.platform !== 'linux' && 'needs /proc' };

/** A clock whose sleeps end when the test says so. */
function createHandClock(): Clock & { readonly slept: number[]; wake(): void } {
  const slept: number[] = [];
  let wakers: (() => void)[] = [];
  return {
    slept,
    now: () => 0,
    sleep(ms, signal) {
      slept.push(ms);
      return new Promise((resolve, reject) => {
        wakers.push(resolve);
        signal?.addEventListener('abort', () => reject(signal.reason as Error));
      });
    },
    wake() {
      for (const wake of wakers) wake();
      wakers = [];
    },
  };
}

interface Shell {
  readonly group: ReturnType<typeof spawnGroup>;
  readonly output: () => string;
  readonly seen: (text: string) => Promise<void>;
}

function startShell(script: string, mark = `test-${process.pid}-${script.length}`): Shell {
  let output = '';
  let look = (): void => undefined;
  const group = spawnGroup(
    {
      command: '/bin/sh',
      args: ['-c', script],
      cwd: '/',
      env: { PATH: process.env['PATH'] ?? '', [MARK]: mark },
    },
    {
      onOutput: (_, chunk) => {
        output += chunk;
        look();
        return undefined;
      },
      onMessage: () => undefined,
    },
  );
  return {
    group,
    output: () => output,
    seen: (text) =>
      new Promise((resolve) => {
        look = () => {
          if (output.includes(text)) resolve();
        };
        look();
      }),
  };
}

test('a process that ends by itself tells its code, its output and its peak of memory', LINUX, async () => {
  const { group, output } = startShell('echo out; echo err >&2; exit 3');
  const ending = await group.ended;
  assert.equal(ending.exitCode, 3);
  assert.equal(ending.signal, undefined);
  assert.ok((ending.peakMemory ?? 0) >= 0);
  assert.deepEqual(output().split('\n').sort(), ['', 'err', 'out']);
});

test('a program that is not there is an ending, not an exception', async () => {
  const group = spawnGroup(
    { command: '/no/such/program', args: [], cwd: '/', env: {} },
    { onOutput: () => undefined, onMessage: () => undefined },
  );
  const ending = await group.ended;
  assert.equal(group.leader, undefined);
  assert.equal(ending.startError, 'ENOENT');
});

test('stop asks first and does not wait longer than it must', LINUX, async () => {
  const clock = createHandClock();
  const { group, seen } = startShell(
    `trap 'echo asked; exit 9' TERM; echo ready; while :; do sleep 600 & wait; done`,
  );
  await seen('ready');
  await stopGroup(group, 5000, clock);
  assert.deepEqual(clock.slept, [5000]);
  assert.equal((await group.ended).exitCode, 9);
  assert.equal(isGroupAlive(group.leader?.pid ?? 0), false);
});

test('stop kills the whole group once the grace time is over', { ...LINUX, timeout: 60_000 }, async () => {
  const clock = createHandClock();
  const { group, seen } = startShell(
    `trap '' TERM; (trap '' TERM; echo ready; while :; do sleep 600; done) & while :; do wait; done`,
  );
  await seen('ready');
  const stopped = stopGroup(group, 5000, clock);
  assert.equal(isGroupAlive(group.leader?.pid ?? 0), true);
  clock.wake();
  await stopped;
  assert.equal((await group.ended).signal, 'SIGKILL');
  // Who is on the way out has closed its pipes and still lives, for a moment.
  while (isGroupAlive(group.leader?.pid ?? 0)) await new Promise((resolve) => setImmediate(resolve));
});

test('what left group and session is found by its mark and ended with the leader', LINUX, async () => {
  const mark = `test-${process.pid}-left`;
  const { group, output } = startShell(
    `fifo=$(mktemp -u); mkfifo "$fifo"; setsid sh -c 'echo "pid $$" > "$0"; exec sleep 600' "$fifo" & cat "$fifo"; rm "$fifo"`,
    mark,
  );
  const ending = await group.ended;
  assert.equal(ending.exitCode, 0, output());
  const pid = Number(/^pid (\d+)$/m.exec(output())?.[1]);
  assert.ok(pid > 0, output());
  assert.equal(processStart(pid), undefined);
  assert.deepEqual(processesWithMark(mark), []);
});

test(
  'marked processes are found among few pids and among many, and not among those that came before',
  LINUX,
  async () => {
    const mark = `test-${process.pid}-since`;
    // It stops by itself: a child would appear between two looks.
    const { group, seen } = startShell('echo ready; kill -STOP $$', mark);
    const pid = group.leader?.pid ?? 0;
    await seen('ready');
    const found = processesWithMark(mark);
    assert.ok(found.includes(pid));
    for (const since of [1, pid - 1, pid])
      assert.deepEqual(processesWithMark(mark, since), found, `since ${since}`);
    assert.deepEqual(
      processesWithMark(mark, pid + 1),
      found.filter((other) => other !== pid),
    );
    group.signal('SIGKILL');
    await group.ended;
  },
);

test('a pid and its start name one process: another start is another process', () => {
  const start = processStart(process.pid);
  assert.ok(start !== undefined);
  assert.equal(isOwnerAlive(ownerMark()), true);
  assert.equal(isOwnerAlive(`${process.pid}-1`), false);
  assert.equal(isOwnerAlive('no mark'), false);
});
