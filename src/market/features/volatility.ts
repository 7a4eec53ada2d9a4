import { sampleDeviation } from '../indicators/window.ts';
import { parkinsonVolatility } from '../indicators/parkinson-volatility.ts';
import { relativeChange } from '../indicators/relative-change.ts';
import { averageTrueRange } from '../indicators/technicalindicators.ts';
import type { Feature } from './feature.ts';

const OWN = { group: 'volatility', scale: 'none', anchored: false, library: 'lockstep' } as const;

function returnVolatility(period: number): Feature {
  return {
    ...OWN,
    name: `volatility_${period}d`,
    params: { period },
    first: period,
    compute: ({ close }) => sampleDeviation(relativeChange(close, 1), period),
  };
}

/** Deviation of daily returns (not annualised), Parkinson's range volatility, the average true range and its share of price. */
export const VOLATILITY_FEATURES: readonly Feature[] = [
  returnVolatility(5),
  returnVolatility(10),
  returnVolatility(20),
  {
    ...OWN,
    name: 'parkinson_volatility',
    params: { period: 20 },
    first: 19,
    compute: ({ high, low }) => parkinsonVolatility(high, low, 20),
  },
  {
    ...OWN,
    name: 'atr_14',
    params: { period: 14 },
    first: 14,
    scale: 'price',
    library: 'technicalindicators',
    compute: (history) => averageTrueRange(history, 14),
  },
  {
    ...OWN,
    name: 'atr_ratio',
    params: { period: 14 },
    first: 14,
    library: 'technicalindicators',
    compute: async (history) => {
      const range = await averageTrueRange(history, 14);
      return range.map((value, row) => value / (history.close[row] ?? NaN));
    },
  },
];
