import assert from 'node:assert/strict';
import test from 'node:test';
import { featureCatalogue } from '../../../src/market/features/catalogue.ts';
import { countValidFeatures } from '../../../src/market/features/valid-features.ts';
import type { StockFeatures } from '../../../src/market/features/stock-features.ts';

// first = 5: the leading five values of each column are warm-up.
const feature = featureCatalogue(20).filter(({ name }) => name === 'volume_rate_change');

function stock(values: readonly number[]): StockFeatures {
  const column = Float64Array.from([NaN, NaN, NaN, NaN, NaN, ...values]);
  return { dates: Array.from(column, (_, at) => `d${at}`), columns: [column] };
}

function count(...stocks: readonly (readonly number[])[]): number {
  return countValidFeatures(stocks.map(stock), feature);
}

const twenty = Array.from({ length: 20 }, (_, i) => i);

test('a feature defined in at least 95 % of the bars after its warm-up is valid', () => {
  assert.equal(count(twenty), 1);
  assert.equal(count(twenty.with(3, NaN)), 1);
  assert.equal(count(twenty.with(3, NaN).with(4, NaN)), 0);
  assert.equal(count(twenty.with(3, NaN).with(4, NaN), twenty), 1);
});

test('a feature that is constant in every stock is not valid, one that moves in some stock is', () => {
  assert.equal(count(twenty.map(() => 7)), 0);
  assert.equal(
    count(
      twenty.map(() => 7),
      twenty.map(() => 8),
    ),
    0,
  );
  assert.equal(
    count(
      twenty.map(() => 7),
      twenty,
    ),
    1,
  );
  // Rounding noise is no movement: 1e-12 of the size.
  assert.equal(count(twenty.map((i) => 1e6 + i * 1e-8)), 0);
});

test('a feature without any bar is not valid', () => {
  assert.equal(count(), 0);
  assert.equal(count([]), 0);
});
