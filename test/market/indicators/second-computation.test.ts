import test from 'node:test';
import type { History } from '../../../src/market/features/feature.ts';
import { createRandom } from '../synthetic-raw.ts';
import { assertClose, barsOf, compute } from './published.ts';

/** The same bars in every run. */
function seededBars(length: number): History {
  const next = createRandom(42);
  let close = 250;
  const rows = Array.from({ length }, () => {
    const open = close * (1 + 0.02 * (next() - 0.5));
    close = open * (1 + 0.05 * (next() - 0.5));
    const high = Math.max(open, close) * (1 + 0.01 * next());
    const low = Math.min(open, close) * (1 - 0.01 * next());
    return [open, high, low, close, Math.floor(1e6 * next())] as const;
  });
  return barsOf(rows);
}

const history = seededBars(140);
const { open, high, low, close, volume } = history;

/** The window of n values that ends at a row, or undefined while it is not complete. */
function windowAt(values: ArrayLike<number>, row: number, n: number, from = 0): number[] | undefined {
  return row - n + 1 < from ? undefined : Array.from({ length: n }, (_, i) => values[row - n + 1 + i] ?? NaN);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function at(values: ArrayLike<number>, row: number): number {
  return values[row] ?? NaN;
}

function rows(formula: (row: number) => number): number[] {
  return Array.from(close, (_, row) => formula(row));
}

function averages(values: ArrayLike<number>, n: number): number[] {
  return rows((row) => mean(windowAt(values, row, n) ?? [NaN]));
}

const returns = rows((row) => (at(close, row) - at(close, row - 1)) / at(close, row - 1));

/** Sample deviation through the sum over all pairs: no mean enters it. */
function pairwiseDeviation(values: readonly number[]): number {
  let squares = 0;
  for (const a of values) for (const b of values) squares += (a - b) * (a - b);
  return Math.sqrt(squares / (2 * values.length * (values.length - 1)));
}

function volatility(n: number): number[] {
  return rows((row) => pairwiseDeviation(windowAt(returns, row, n, 1) ?? [NaN]));
}

function balance(): number[] {
  return rows((row) => {
    let sum = 0;
    for (let i = 1; i <= row; i++) sum += Math.sign(at(close, i) - at(close, i - 1)) * at(volume, i);
    return sum;
  });
}

function strength(n: number): number[] {
  return rows((row) => {
    if (row < n) return NaN;
    let [gain, loss] = [0, 0];
    for (let i = 1; i <= row; i++) {
      const change = at(close, i) - at(close, i - 1);
      // Weight of change i in Wilder's average: the seed shares 1/n, each later row multiplies by (n − 1)/n.
      const weight = ((n - 1) / n) ** Math.min(row - i, row - n) / n;
      gain += weight * Math.max(change, 0);
      loss += weight * Math.max(-change, 0);
    }
    return (100 * gain) / (gain + loss);
  });
}

const EXPECTED: Readonly<Record<string, () => number[]>> = {
  returns_1d: () => returns,
  returns_3d: () => rows((row) => (at(close, row) - at(close, row - 3)) / at(close, row - 3)),
  returns_5d: () => rows((row) => (at(close, row) - at(close, row - 5)) / at(close, row - 5)),
  returns_10d: () => rows((row) => (at(close, row) - at(close, row - 10)) / at(close, row - 10)),
  log_returns_1d: () => rows((row) => Math.log1p(at(returns, row))),
  price_change_pct: () => rows((row) => (at(close, row) - at(open, row)) / at(open, row)),
  gap_up_down: () => rows((row) => (at(open, row) - at(close, row - 1)) / at(close, row - 1)),
  typical_price: () => rows((row) => mean([at(high, row), at(low, row), at(close, row)])),
  volatility_5d: () => volatility(5),
  volatility_10d: () => volatility(10),
  volatility_20d: () => volatility(20),
  parkinson_volatility: () =>
    rows((row) => {
      const ranges = windowAt(
        rows((i) => Math.log(at(high, i)) - Math.log(at(low, i))),
        row,
        20,
      );
      return Math.sqrt(mean((ranges ?? [NaN]).map((range) => range * range)) / (4 * Math.log(2)));
    }),
  sma_5: () => averages(close, 5),
  sma_10: () => averages(close, 10),
  sma_50: () => averages(close, 50),
  price_vs_sma20: () => averages(close, 20).map((average, row) => (at(close, row) - average) / average),
  price_vs_sma50: () => averages(close, 50).map((average, row) => (at(close, row) - average) / average),
  ma_convergence: () => averages(close, 20).map((slow, row) => (at(averages(close, 10), row) - slow) / slow),
  rsi_21: () => strength(21),
  roc_10: () => rows((row) => (100 * at(close, row)) / at(close, row - 10) - 100),
  momentum_10: () => rows((row) => at(close, row) - at(close, row - 10)),
  volume_sma_20: () => averages(volume, 20),
  volume_ratio: () => averages(volume, 20).map((average, row) => at(volume, row) / average),
  volume_rate_change: () => rows((row) => (at(volume, row) - at(volume, row - 5)) / at(volume, row - 5)),
  obv: balance,
  obv_sma: () => averages(balance(), 20),
};

for (const [name, expected] of Object.entries(EXPECTED)) {
  test(`${name} equals its definition computed another way`, async () => {
    assertClose(await compute(name, history), expected(), 1e-11, name);
  });
}

test('macd_crossover marks the rows where macd passes its signal, each way', async () => {
  const macd = await compute('macd', history);
  const signal = await compute('macd_signal', history);
  const above = rows((row) => Math.sign(at(macd, row) - at(signal, row)));
  const expected = above.map((side, row) => (side === at(above, row - 1) ? 0 : side));
  for (let row = 0; row < 34; row++) expected[row] = NaN;
  assertClose(await compute('macd_crossover', history), expected, 0, 'macd_crossover');
});

test('bb_squeeze marks the rows whose band is the narrowest of 20', async () => {
  const width = await compute('bb_width', history);
  const expected = rows((row) => {
    const last = windowAt(width, row, 20, 19);
    return last === undefined ? NaN : Number(last.toSorted((a, b) => a - b)[0] === at(width, row));
  });
  assertClose(await compute('bb_squeeze', history), expected, 0, 'bb_squeeze');
});
