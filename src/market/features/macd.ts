import { crossover } from '../indicators/crossover.ts';
import { exponentialAverage } from '../indicators/smoothed-average.ts';
import { priceExponentialAverage } from '../indicators/technicalindicators.ts';
import type { Feature } from './feature.ts';

const COMMON = {
  group: 'trend',
  params: { fast: 12, slow: 26, signal: 9 },
  scale: 'price',
  anchored: false,
  library: 'technicalindicators',
} as const;

async function convergence(close: Float64Array): Promise<Float64Array> {
  const slow = await priceExponentialAverage(close, 26);
  return (await priceExponentialAverage(close, 12)).map((value, row) => value - (slow[row] ?? NaN));
}

async function histogram(close: Float64Array): Promise<Float64Array> {
  const line = await convergence(close);
  const signal = exponentialAverage(line, 9);
  return line.map((value, row) => value - (signal[row] ?? NaN));
}

/**
 * Moving average convergence/divergence 12/26/9. Each average is seeded by the mean of its own first values (TA-Lib
 * seeds the fast one later). The signal is our own average: the package's takes a seed of 0 for none.
 */
export const MACD_FEATURES: readonly Feature[] = [
  {
    ...COMMON,
    name: 'macd',
    params: { fast: 12, slow: 26 },
    first: 25,
    compute: ({ close }) => convergence(close),
  },
  {
    ...COMMON,
    name: 'macd_signal',
    first: 33,
    compute: async ({ close }) => exponentialAverage(await convergence(close), 9),
  },
  { ...COMMON, name: 'macd_histogram', first: 33, compute: ({ close }) => histogram(close) },
  {
    ...COMMON,
    name: 'macd_crossover',
    first: 34,
    scale: 'none',
    compute: async ({ close }) => crossover(await histogram(close)),
  },
];
