import { exponentialAverage } from './smoothed-average.ts';
import { priceExponentialAverage } from './technicalindicators.ts';

/** Lengths of the three averages, 12/26/9 by custom. */
export interface MacdPeriods {
  readonly fast: number;
  readonly slow: number;
  readonly signal: number;
}

/**
 * Moving average convergence/divergence: fast less slow exponential average of the close. Each is seeded by the mean of its own first
 * values (TA-Lib seeds the fast one later). Source: G. Appel, The Moving Average Convergence-Divergence Method (1979).
 */
export async function macdLine(
  close: Float64Array,
  { fast, slow }: Omit<MacdPeriods, 'signal'>,
): Promise<Float64Array> {
  const long = await priceExponentialAverage(close, slow);
  return (await priceExponentialAverage(close, fast)).map((value, row) => value - (long[row] ?? NaN));
}

/** Exponential average of the line. Our own: the package's takes a seed of 0 for none. */
export async function macdSignal(close: Float64Array, periods: MacdPeriods): Promise<Float64Array> {
  return exponentialAverage(await macdLine(close, periods), periods.signal);
}

/** Line less signal. */
export async function macdHistogram(close: Float64Array, periods: MacdPeriods): Promise<Float64Array> {
  const signal = await macdSignal(close, periods);
  return (await macdLine(close, periods)).map((value, row) => value - (signal[row] ?? NaN));
}

/**
 * Where the histogram changes its sign: +1 on the first row above 0 (the one before ≤ 0), −1 on the first row below 0
 * (the one before ≥ 0), else 0. `NaN` until two rows of the histogram exist.
 */
export async function macdCrossover(close: Float64Array, periods: MacdPeriods): Promise<Float64Array> {
  const histogram = await macdHistogram(close, periods);
  return histogram.map((value, row) => {
    const before = histogram[row - 1] ?? NaN;
    if (Number.isNaN(value) || Number.isNaN(before)) return NaN;
    if (value > 0 && before <= 0) return 1;
    return value < 0 && before >= 0 ? -1 : 0;
  });
}
