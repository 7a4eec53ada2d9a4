import assert from 'node:assert/strict';
import test from 'node:test';
import { createClock } from '../../src/io/clock.ts';

const DAY_MS = 86_400_000;

test('an abort ends a sleep with its reason, and a fixed clock stands', async () => {
  const controller = new AbortController();
  const slept = createClock(42).sleep(DAY_MS, controller.signal);
  controller.abort(new Error('enough'));
  await assert.rejects(slept, { name: 'AbortError' });
  assert.equal(createClock(42).now(), 42);
});
