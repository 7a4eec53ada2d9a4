import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MarketError } from '../../src/market/market-error.ts';
import { createRetryPolicy, withRetry } from '../../src/market/retry.ts';

const busy = new MarketError('http.server-error', 'busy', { retryable: true });

function createTask(failures: readonly Error[]): {
  readonly run: () => Promise<string>;
  count: () => number;
} {
  let calls = 0;
  return {
    run: () => {
      const failure = failures[calls];
      calls += 1;
      return failure === undefined ? Promise.resolve('done') : Promise.reject(failure);
    },
    count: () => calls,
  };
}

test('each wait is spread by a quarter to both sides, so that parallel requests do not come back together', async () => {
  const waits: number[] = [];
  const draws = [0, 0.999];
  const policy = createRetryPolicy({
    random: () => draws.shift() ?? 0,
    sleep: (ms) => {
      waits.push(ms);
      return Promise.resolve();
    },
  });
  assert.equal(await withRetry(createTask([busy, busy]).run, policy, new AbortController().signal), 'done');
  assert.deepEqual(waits, [1_500, 4_998]);
});

test('an error that is hopeless or not of the market library ends the tries at once', async () => {
  for (const error of [new MarketError('http.not-found', 'x'), new TypeError('bug')]) {
    const task = createTask([error]);
    await assert.rejects(withRetry(task.run, createRetryPolicy(), new AbortController().signal), error);
    assert.equal(task.count(), 1);
  }
});

test('an abort during a wait ends it with the reason of the signal, and no request follows', async () => {
  const controller = new AbortController();
  const task = createTask([busy]);
  const policy = createRetryPolicy({
    sleep: (_, signal) => {
      controller.abort(new Error('stopped by the user'));
      signal.throwIfAborted();
      return Promise.resolve();
    },
  });
  await assert.rejects(withRetry(task.run, policy, controller.signal), { message: 'stopped by the user' });
  assert.equal(task.count(), 1);
});

test('the default wait is a real one that an abort cuts short', async () => {
  const controller = new AbortController();
  const task = createTask([busy, busy, busy]);
  const running = withRetry(task.run, createRetryPolicy(), controller.signal);
  controller.abort();
  await assert.rejects(running, { name: 'AbortError' });
});
