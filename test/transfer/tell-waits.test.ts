import assert from 'node:assert/strict';
import test from 'node:test';
import { PipelineError } from '../../src/base/error.ts';
import type { EventBody } from '../../src/base/event.ts';
import { createWaitTeller } from '../../src/transfer/tell-waits.ts';

test('a long wait is told once for all that wait at the same time, a short one not at all', () => {
  const told: unknown[] = [];
  let nowMs = 1_000_000;
  const tell = createWaitTeller((event: EventBody) => void told.push(event), { now: () => nowMs });
  const error = new PipelineError('remote.quota', 'remote "x": slow down', { retryable: true });
  tell({ waitedMs: 0, delayMs: 4999, error });
  assert.deepEqual(told, []);
  tell({ waitedMs: 0, delayMs: 90_000, error });
  tell({ waitedMs: 0, delayMs: 100_000, error });
  nowMs += 89_999;
  tell({ waitedMs: 0, delayMs: 6000, error });
  const first = {
    type: 'warned',
    problem: { code: 'remote.quota', message: 'remote "x": slow down; the next try is in 1m 30s' },
  };
  assert.deepEqual(told, [first]);
  nowMs += 1;
  tell({ waitedMs: 0, delayMs: 6000, error });
  assert.equal(told.length, 2);
});

test('an answer that was waited for in vain is told, once for all that waited', () => {
  const told: EventBody[] = [];
  const tell = createWaitTeller((event: EventBody) => void told.push(event), { now: () => 1_000_000 });
  const error = new PipelineError('remote.unreachable', 'remote "x": no answer', { retryable: true });
  tell({ waitedMs: 60_000, delayMs: 300, error });
  tell({ waitedMs: 60_000, delayMs: 400, error });
  const message = 'remote "x": no answer; the next try is in 300ms';
  assert.deepEqual(told, [{ type: 'warned', problem: { code: 'remote.unreachable', message } }]);
});
