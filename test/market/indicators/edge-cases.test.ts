import assert from 'node:assert/strict';
import test from 'node:test';
import { featureCatalogue } from '../../../src/market/features/catalogue.ts';
import type { History } from '../../../src/market/features/feature.ts';
import { assertClose, barsOf, compute, flatBars } from './published.ts';

async function last(name: string, history: History, squeezeLookback?: number): Promise<number> {
  return (await compute(name, history, squeezeLookback)).at(-1) ?? NaN;
}

// 0.1 · 3 is not 0.3 and a mean of such prices need not be the price: a flat series must still be exactly flat.
const FLAT_PRICE = 0.1 + 0.2;

/** What each feature says of 120 bars of one price and one volume. */
const FLAT: readonly (readonly [string, number])[] = [
  ['returns_1d', 0],
  ['log_returns_1d', 0],
  ['price_change_pct', 0],
  ['gap_up_down', 0],
  ['volatility_5d', 0],
  ['volatility_20d', 0],
  ['parkinson_volatility', 0],
  ['atr_14', 0],
  ['atr_ratio', 0],
  ['price_vs_sma20', 0],
  ['price_vs_sma50', 0],
  ['ma_convergence', 0],
  ['rsi_14', 50],
  ['rsi_21', 50],
  ['stoch_k', 50],
  ['stoch_d', 50],
  ['williams_r', -50],
  ['roc_10', 0],
  ['momentum_10', 0],
  ['cci_20', 0],
  ['macd_crossover', 0],
  ['bb_width', 0],
  ['bb_position', 0.5],
  ['bb_squeeze', 1],
  ['volume_ratio', 1],
  ['volume_rate_change', 0],
  ['obv', 0],
  ['volume_price_trend', 0],
  ['adx_14', 0],
  ['di_plus', 0],
  ['di_minus', 0],
];

for (const [name, value] of FLAT) {
  test(`${name} of a flat series is exactly ${value}`, async () => {
    assert.equal((await last(name, flatBars(120, FLAT_PRICE, 700))) + 0, value);
  });
}

test('after a flat stretch features recover and are not poisoned', async () => {
  const flat = Array.from({ length: 60 }, () => [10, 10, 10, 10, 5] as const);
  const moving = Array.from({ length: 60 }, (_, i) => [10 + i, 11 + i, 9 + i, 10.5 + i, 5 + i] as const);
  const history = barsOf([...flat, ...moving]);
  for (const feature of featureCatalogue(20)) {
    const values = await feature.compute(history);
    assert.ok(
      values.subarray(feature.first).every((value) => Number.isFinite(value)),
      feature.name,
    );
  }
  // The last 14 bars rise by 1 a day: high 11 + 59, low 9 + 46, close 10.5 + 59.
  assertClose([await last('stoch_k', history)], [(100 * (69.5 - 55)) / (70 - 55)], 1e-13, 'stoch_k');
  assertClose([await last('williams_r', history)], [(-100 * (70 - 69.5)) / (70 - 55)], 1e-13, 'williams_r');
  assert.equal(await last('rsi_14', history), 100);
});

test('no volume over the whole window gives a volume ratio of 1', async () => {
  assert.equal(await last('volume_ratio', flatBars(30, 10, 0)), 1);
});

test('a volume change against a day without volume is not defined', async () => {
  const volumes = [0, 1, 2, 3, 4, 5, 6];
  const history = barsOf(volumes.map((volume) => [1, 1, 1, 1, volume] as const));
  assert.deepEqual(
    await compute('volume_rate_change', history),
    Float64Array.of(NaN, NaN, NaN, NaN, NaN, NaN, 5),
  );
});

test('only falls give an RSI of 0 and only rises 100', async () => {
  const falls = barsOf(Array.from({ length: 20 }, (_, i) => [50 - i, 50 - i, 50 - i, 50 - i, 1] as const));
  const rises = barsOf(Array.from({ length: 20 }, (_, i) => [50 + i, 50 + i, 50 + i, 50 + i, 1] as const));
  assert.deepEqual([await last('rsi_14', falls), await last('rsi_14', rises)], [0, 100]);
});

test('no feature has a value before its first index, and each has one there', async () => {
  const history = barsOf(
    Array.from({ length: 100 }, (_, i) => {
      const close = 100 + 10 * Math.sin(i / 3) + i / 7;
      return [close - 0.5, close + 1 + (i % 3), close - 1 - (i % 4), close, 1000 + ((i * 37) % 101)] as const;
    }),
  );
  for (const feature of featureCatalogue(20)) {
    const values = await feature.compute(history);
    assert.equal(values.length, 100, feature.name);
    assert.equal(
      values.findIndex((value) => !Number.isNaN(value)),
      feature.first,
      feature.name,
    );
  }
});

test('a history shorter than any warm-up gives undefined values, not errors', async () => {
  for (const length of [0, 1, 2]) {
    for (const feature of featureCatalogue(20)) {
      const values = await feature.compute(flatBars(length, 5, 5));
      assert.equal(values.length, length, feature.name);
      assert.ok(
        values.every((value, row) => row >= feature.first || Number.isNaN(value)),
        feature.name,
      );
    }
  }
});

test('the squeeze looks back as many bars as it is told', async () => {
  const history = barsOf(
    Array.from({ length: 80 }, (_, i) => {
      const close = 100 + (i % 2 === 0 ? 1 : -1) * (i < 60 ? 5 : 6);
      return [close, close, close, close, 1] as const;
    }),
  );
  // Bars 60 … 79 swing wider than 40 … 59: the width grows, so it is the lowest only where the look-back is itself.
  assert.equal(await last('bb_squeeze', history, 1), 1);
  assert.equal(await last('bb_squeeze', history, 20), 0);
});

test('a day that reaches as far up as down moves in no direction, whatever the adjustment makes of its prices', async () => {
  // Each day reaches a step of five paise further, both ways; Wilder's rule lets neither side count.
  for (const factor of [1, 0.987, 0.9929, 0.5, 1 / 3]) {
    const history = barsOf(
      Array.from({ length: 40 }, (_, i) => {
        const high = ((2000 + i) / 20) * factor;
        const low = ((1990 - i) / 20) * factor;
        return [low, high, low, high, 1] as const;
      }),
    );
    for (const name of ['di_plus', 'di_minus', 'adx_14']) {
      assert.equal(await last(name, history), 0, `${name} times ${factor}`);
    }
  }
});

test('a step of price more on one side is a direction', async () => {
  const history = barsOf(
    Array.from({ length: 40 }, (_, i) => [4900, 5000 + i * 0.1, 4900 - i * 0.05, 4900, 1] as const),
  );
  assert.ok((await last('di_plus', history)) > 0);
  assert.equal(await last('di_minus', history), 0);
});
