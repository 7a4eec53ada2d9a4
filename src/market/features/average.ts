import { simpleAverage } from '../indicators/window.ts';
import { priceExponentialAverage } from '../indicators/technicalindicators.ts';
import type { Feature } from './feature.ts';

const OWN = { group: 'average', scale: 'none', anchored: false, library: 'lockstep' } as const;

function simple(period: number): Feature {
  return {
    ...OWN,
    name: `sma_${period}`,
    params: { period },
    first: period - 1,
    scale: 'price',
    compute: ({ close }) => simpleAverage(close, period),
  };
}

function exponential(period: number): Feature {
  return {
    ...OWN,
    name: `ema_${period}`,
    params: { period },
    first: period - 1,
    scale: 'price',
    library: 'technicalindicators',
    compute: ({ close }) => priceExponentialAverage(close, period),
  };
}

function priceVersus(period: number): Feature {
  return {
    ...OWN,
    name: `price_vs_sma${period}`,
    params: { period },
    first: period - 1,
    compute: ({ close }) => {
      const average = simpleAverage(close, period);
      return close.map((value, row) => value / (average[row] ?? NaN) - 1);
    },
  };
}

/** Moving averages of the close, and the distance from them as a fraction. */
export const AVERAGE_FEATURES: readonly Feature[] = [
  simple(5),
  simple(10),
  simple(20),
  simple(50),
  exponential(12),
  exponential(26),
  priceVersus(20),
  priceVersus(50),
  {
    ...OWN,
    name: 'ma_convergence',
    params: { fast: 10, slow: 20 },
    first: 19,
    compute: ({ close }) => {
      const slow = simpleAverage(close, 20);
      return simpleAverage(close, 10).map((value, row) => value / (slow[row] ?? NaN) - 1);
    },
  },
];
