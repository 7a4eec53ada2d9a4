import { macdCrossover, macdHistogram, macdLine, macdSignal } from '../indicators/macd.ts';
import type { Feature } from './feature.ts';

const PERIODS = { fast: 12, slow: 26, signal: 9 };
const OWN = {
  group: 'trend',
  params: PERIODS,
  scale: 'price',
  anchored: false,
  library: 'technicalindicators',
} as const;

/** Moving average convergence/divergence 12/26/9. */
export const MACD_FEATURES: readonly Feature[] = [
  {
    ...OWN,
    name: 'macd',
    params: { fast: 12, slow: 26 },
    first: 25,
    compute: ({ close }) => macdLine(close, PERIODS),
  },
  { ...OWN, name: 'macd_signal', first: 33, compute: ({ close }) => macdSignal(close, PERIODS) },
  { ...OWN, name: 'macd_histogram', first: 33, compute: ({ close }) => macdHistogram(close, PERIODS) },
  {
    ...OWN,
    name: 'macd_crossover',
    first: 34,
    scale: 'none',
    compute: ({ close }) => macdCrossover(close, PERIODS),
  },
];
