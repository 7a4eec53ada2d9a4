import assert from 'node:assert/strict';
import test from 'node:test';
import { buildDayAxis } from '../../../src/market/features/axis.ts';

const index = {
  dates: ['2026-01-05', '2026-01-06', '2026-01-07', '2026-01-08', '2026-01-09'],
  close: Float64Array.of(10, 11, 11, 9, 12),
};

test('the axis leaves out the warm-up and the last session; an equal close is not up', () => {
  const axis = buildDayAxis(index, 1);
  assert.deepEqual(axis.days, ['2026-01-06', '2026-01-07', '2026-01-08']);
  assert.deepEqual([...axis.targets], [0, 0, 1]);
  assert.equal(axis.latest, '2026-01-09');
});

test('without warm-up every session but the last has a row', () => {
  assert.deepEqual([...buildDayAxis(index, 0).targets], [1, 0, 0, 1]);
});

test('too few sessions for the warm-up are an error that says how many are needed', () => {
  assert.equal(buildDayAxis(index, 3).days.length, 1);
  assert.throws(() => buildDayAxis(index, 4), {
    code: 'features.too-short',
    retryable: false,
    message: 'the index has 5 sessions; a warm-up of 4 and one day with a target need 6',
  });
  assert.throws(() => buildDayAxis({ dates: [], close: new Float64Array(0) }, 0), /has 0 sessions/);
});
