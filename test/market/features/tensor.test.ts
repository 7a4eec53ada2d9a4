import assert from 'node:assert/strict';
import test from 'node:test';
import { assembleTensor, measureImputation, ORIGIN, sliceDays } from '../../../src/market/features/tensor.ts';
import type { StockFeatures } from '../../../src/market/features/stock-features.ts';

const DAYS = ['d1', 'd2', 'd3', 'd4', 'd5', 'd6', 'd7', 'd8', 'd9'];

function stock(values: Readonly<Record<string, readonly number[]>>): StockFeatures {
  const dates = Object.keys(values);
  const width = values[dates[0] ?? '']?.length ?? 0;
  return {
    dates,
    columns: Array.from({ length: width }, (_, at) =>
      Float64Array.from(dates, (date) => values[date]?.[at] ?? NaN),
    ),
  };
}

test('a missing value is carried for five days and then filled with 0', () => {
  const tensor = assembleTensor([stock({ d2: [7] })], DAYS, { featureCount: 1, carryLimit: 5 });
  assert.deepEqual([...tensor.values], [0, 7, 7, 7, 7, 7, 7, 0, 0]);
  assert.deepEqual([...tensor.mask], [0, 1, 0, 0, 0, 0, 0, 0, 0]);
  const { filled: f, observed: o, carried: c } = ORIGIN;
  assert.deepEqual([...tensor.origin], [f, o, c, c, c, c, c, f, f]);
});

test('what was seen before the first day is not carried into it', () => {
  const tensor = assembleTensor([stock({ d0: [7], d3: [8] })], DAYS.slice(0, 3), {
    featureCount: 1,
    carryLimit: 5,
  });
  assert.deepEqual([...tensor.values], [0, 0, 8]);
});

test('one undefined feature is carried alone and takes the cell out of the mask', () => {
  const tensor = assembleTensor([stock({ d1: [1, 2], d2: [3, NaN], d3: [5, 6] })], DAYS.slice(0, 3), {
    featureCount: 2,
    carryLimit: 5,
  });
  assert.deepEqual([...tensor.values], [1, 2, 3, 2, 5, 6]);
  assert.deepEqual([...tensor.mask], [1, 0, 1]);
});

test('stocks keep to themselves, an unknown one is filled throughout', () => {
  const tensor = assembleTensor([stock({ d1: [1] }), undefined, stock({ d2: [-0] })], DAYS.slice(0, 2), {
    featureCount: 1,
    carryLimit: 1,
  });
  assert.deepEqual(tensor.shape, [2, 3, 1]);
  assert.deepEqual([...tensor.values], [1, 0, 0, 1, 0, 0]);
  assert.ok(tensor.values.every((value) => !Object.is(value, -0)));
  assert.deepEqual(measureImputation(tensor), {
    carried: 1 / 6,
    filled: 3 / 6,
    byStock: [
      { carried: 0.5, filled: 0 },
      { carried: 0, filled: 1 },
      { carried: 0, filled: 0.5 },
    ],
  });
});

test('an infinite value counts as undefined', () => {
  const tensor = assembleTensor([stock({ d1: [Infinity] })], ['d1'], { featureCount: 1, carryLimit: 5 });
  assert.deepEqual([[...tensor.values], [...tensor.mask]], [[0], [0]]);
});

test('a slice of days has their values, mask and origin', () => {
  const tensor = assembleTensor([stock({ d1: [1, 2], d2: [3, 4], d3: [5, 6] })], DAYS.slice(0, 3), {
    featureCount: 2,
    carryLimit: 5,
  });
  const last = sliceDays(tensor, 2, 3);
  assert.deepEqual([last.shape, [...last.values], [...last.mask]], [[1, 1, 2], [5, 6], [1]]);
});
