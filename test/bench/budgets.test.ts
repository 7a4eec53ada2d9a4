import assert from 'node:assert/strict';
import test from 'node:test';
import { isKept, judge, refuseUnknown } from '../../bench/harness/budgets.ts';
import type { MemoryBudget, TimeBudget } from '../../bench/harness/budgets.ts';
import type { Outcome } from '../../bench/harness/run-course.ts';

const MIB = 1024 ** 2;

/** A trial in which ours took 100, 130 and 120 ms and a peer 50 ms each time. */
const OUTCOME: Outcome = {
  trial: 'add',
  taken: [
    { name: 'lockstep', ms: [100, 130, 120], peakBytes: 200 * MIB },
    { name: 'peer', ms: [50, 50, 50], peakBytes: 10 * MIB },
  ],
  missing: ['dvc'],
  made: undefined,
};

function stateOf(budget: TimeBudget | MemoryBudget, outcome: Outcome = OUTCOME): string | undefined {
  return judge(outcome, [budget])[0]?.state;
}

test('a budget bounds the median of ours by a sum, and is broken beyond its margin only', () => {
  assert.equal(stateOf({ atMost: { peer: 2, ms: 20 }, margin: 0 }), 'kept');
  assert.equal(stateOf({ atMost: { peer: 2 }, margin: 0.2 }), 'kept');
  assert.equal(stateOf({ atMost: { peer: 2 }, margin: 0.19 }), 'broken');
  assert.equal(stateOf({ atMost: { ms: 119 }, margin: 0 }), 'broken');
  assert.equal(stateOf({ peakMiB: 200 }), 'kept');
  assert.equal(stateOf({ peakMiB: 199 }), 'broken');
});

test('a peer that this machine lacks leaves a budget unjudged, one that nobody knows fails it', () => {
  const missing = judge(OUTCOME, [{ atMost: { dvc: 1 }, margin: 0 }]);
  assert.deepEqual(missing, [{ state: 'not judged', text: '1 × dvc: dvc is not here' }]);
  const misspelt = judge(OUTCOME, [{ atMost: { pear: 1, ms: 5 }, margin: 0 }]);
  assert.deepEqual(misspelt, [{ state: 'unknown', text: '1 × pear + 5 ms: pear did not run' }]);
  assert.equal(stateOf({ atMost: { pear: 1, dvc: 1 }, margin: 0 }), 'unknown');
  assert.deepEqual([isKept(missing), isKept(misspelt)], [true, false]);
});

test('a trial without ours fails its budgets, unless what it needs is not here', () => {
  const none: Outcome = { ...OUTCOME, taken: OUTCOME.taken.slice(1) };
  assert.equal(stateOf({ atMost: { peer: 9 }, margin: 0 }, none), 'unknown');
  assert.equal(stateOf({ peakMiB: 300 }, none), 'unknown');
  const nothing: Outcome = { ...OUTCOME, taken: [], missing: ['server'] };
  assert.equal(stateOf({ atMost: { peer: 9 }, margin: 0 }, nothing), 'not judged');
  assert.equal(stateOf({ peakMiB: 300 }, nothing), 'not judged');
  assert.equal(stateOf({ peakMiB: 300 }, { ...nothing, missing: [] }), 'unknown');
});

test('a budget of a trial that there is not is refused', () => {
  refuseUnknown('trial', { add: [] }, ['add', 'status']);
  assert.throws(() => refuseUnknown('trial', { add: [], stats: [] }, ['add', 'status']), {
    message: 'budgets.json names the trial "stats"; there are add, status',
  });
});
