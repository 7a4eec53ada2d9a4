import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Remote } from '../../src/base/remote.ts';
import { checkRemote } from '../../src/execute/check-remote.ts';
import type { StepResult } from '../../src/execute/check-remote.ts';
import { clockAhead } from '../../src/remotes/server-clock.ts';
import { configOf } from './bodies.ts';
import { createMemoryRemote } from './memory-remote.ts';

const never = new Promise<never>(() => undefined);

/** A clock whose waits end when the test says so. */
function createHandClock(): { now(): number; sleep(): Promise<void>; end(): void } {
  const over = Promise.withResolvers<void>();
  return { now: () => 0, sleep: () => over.promise, end: over.resolve };
}

async function check(remote: Remote, clock = createHandClock()): Promise<readonly StepResult[]> {
  const steps: StepResult[] = [];
  const isGood = await checkRemote({
    config: configOf('/nowhere'),
    open: (act) => act(remote),
    tell: (result) => void steps.push(result),
    clock,
    limitMs: 10_000,
    signal: new AbortController().signal,
  });
  assert.equal(
    isGood,
    steps.every(({ status }) => status === 'ok'),
  );
  return steps;
}

test('a remote that stops answering fails the step it is at, and the check ends', async () => {
  const clock = createHandClock();
  const objects = new Map<string, Buffer>();
  const remote = createMemoryRemote(objects);
  const steps = await check(
    {
      ...remote,
      get: () => {
        clock.end();
        return never;
      },
    },
    clock,
  );
  assert.deepEqual(steps.map(({ step, status, message }) => [step, status, message]).slice(3), [
    ['get', 'fail', 'no answer within 10 s'],
  ]);
  assert.equal(objects.size, 0, 'nothing is left there');
});

test('an object that is written but not listed, not found, or still there when it was removed, is found out', async () => {
  const remote = createMemoryRemote(new Map());
  const steps = await check({
    ...remote,
    async *list() {
      yield { key: 'check/of-another', size: 1 };
    },
    remove: async () => undefined,
  });
  const failed = steps.filter(({ status }) => status === 'fail');
  assert.deepEqual(
    failed.map(({ step }) => step),
    ['list', 'remove'],
  );
  const lost = await check({ ...createMemoryRemote(new Map()), head: async () => undefined });
  assert.deepEqual(
    lost.filter(({ status }) => status === 'fail').map(({ step }) => step),
    ['head'],
  );
});

test('a clock is ahead or behind by the least that its reading allows', () => {
  // Asked from 10.0 s to 10.5 s; the server's clock counts whole seconds.
  const asked = { stepMs: 1000, fromMs: 10_000, toMs: 10_500 };
  for (const [serverMs, ahead] of [
    [10_000, 0],
    [9000, 0],
    [8000, -1000],
    [11_000, 500],
    [70_000, 59_500],
  ] as const)
    assert.equal(clockAhead({ ...asked, serverMs }), ahead, String(serverMs));
});
