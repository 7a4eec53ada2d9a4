import assert from 'node:assert/strict';
import test from 'node:test';
import { computeFeatureOutputs } from '../../src/market/feature-run.ts';
import { assertRunMatchesIndependent, readNpy } from './compare-independent.ts';
import { recorded } from './recorded.ts';
import { syntheticRun } from './synthetic-run.ts';
import { recordedRun } from './recorded-run.ts';

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

test(
  'all features of 27 recorded stocks give the day axis, ups and observed cells counted by hand',
  recorded,
  async () => {
    const outs = await computeFeatureOutputs(await recordedRun({ names: 'all' }));
    // 493 index sessions from 2024-03-18; 77 warm up, the last has no next one.
    assert.deepEqual(readNpy(outs.maps).shape, [415, 30, 52]);
    const dates = outs.dates.trimEnd().split('\n').slice(1);
    assert.deepEqual([dates.length, dates[0], dates.at(-1)], [415, '2024-07-12', '2026-03-16']);
    assert.deepEqual([readNpy(outs.targets).shape, sum(readNpy(outs.targets).values)], [[415], 200]);
    assert.deepEqual([readNpy(outs.mask).shape, sum(readNpy(outs.mask).values)], [[415, 30], 11_178]);
    assert.deepEqual(readNpy(outs.latest).shape, [1, 30, 52]);
  },
);

test('the default features warm up for 27 sessions: 493 − 27 − 1 days', recorded, async () => {
  const outs = await computeFeatureOutputs(await recordedRun(undefined));
  assert.deepEqual(readNpy(outs.maps).shape, [465, 30, 19]);
  const dates = outs.dates.trimEnd().split('\n').slice(1);
  assert.deepEqual([dates.length, dates.at(-1)], [465, '2026-03-16']);
  // Every cell of the 27 stocks but 26 of 2025-03-18 and one of M&M on 2025-09-08.
  assert.equal(sum(readNpy(outs.mask).values), 465 * 27 - 27);
});

for (const names of ['default', 'all']) {
  test(
    `a second computation in Python agrees on the ${names} features of recorded stocks`,
    recorded,
    async () => {
      await assertRunMatchesIndependent(await recordedRun(undefined), names);
    },
  );
}

test('a second computation in Python agrees on all features of series with every oddity and event', async () => {
  await assertRunMatchesIndependent(syntheticRun(undefined), 'all');
});
