import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askOnce } from '../../src/remotes/once.ts';

/** A question that hangs until the test answers it or its signal ends it. */
function createQuestion(): {
  readonly ask: (signal: AbortSignal) => Promise<void>;
  readonly answers: PromiseWithResolvers<void>[];
} {
  const answers: PromiseWithResolvers<void>[] = [];
  const ask = (signal: AbortSignal): Promise<void> => {
    const answer = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => answer.reject(signal.reason));
    answers.push(answer);
    return answer.promise;
  };
  return { ask, answers };
}

test('who waits for the answer to what another asked stops at its own signal', async () => {
  const { ask, answers } = createQuestion();
  const once = askOnce(ask);
  const first = once(new AbortController().signal);
  const stop = new AbortController();
  const second = once(stop.signal);
  stop.abort(new Error('the time is up'));
  await assert.rejects(second, /the time is up/);
  const third = once(new AbortController().signal);
  answers[0]?.resolve();
  await Promise.all([first, third, once(new AbortController().signal)]);
  assert.equal(answers.length, 1);
});

test('when who asked is told to stop, who waited asks anew', async () => {
  const { ask, answers } = createQuestion();
  const once = askOnce(ask);
  const stop = new AbortController();
  const first = once(stop.signal);
  const second = once(new AbortController().signal);
  stop.abort(new Error('enough'));
  await assert.rejects(first, /enough/);
  answers[1]?.resolve();
  await second;
  assert.equal(answers.length, 2);
});

test('a failure is told to all that wait, and then forgotten', async () => {
  const { ask, answers } = createQuestion();
  const once = askOnce(ask);
  const { signal } = new AbortController();
  const waiting = [once(signal), once(signal)];
  answers[0]?.reject(new Error('no such bucket'));
  for (const one of waiting) await assert.rejects(one, /no such bucket/);
  const next = once(signal);
  answers[1]?.resolve();
  await next;
  assert.equal(answers.length, 2);
});
