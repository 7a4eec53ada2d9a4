import { leadingSpanA, leadingSpanB } from '../indicators/ichimoku.ts';
import type { Feature } from './feature.ts';

const OWN = { group: 'ichimoku', scale: 'price', anchored: false, library: 'lockstep' } as const;
const SPAN_A = { tenkan: 9, kijun: 26, displacement: 26 };
const SPAN_B = { period: 52, displacement: 26 };

/** The two leading spans. The lagging span is never a feature: it is the close of 26 bars later. */
export const ICHIMOKU_FEATURES: readonly Feature[] = [
  {
    ...OWN,
    name: 'ichimoku_a',
    params: SPAN_A,
    first: 51,
    compute: (history) => leadingSpanA(history, SPAN_A),
  },
  {
    ...OWN,
    name: 'ichimoku_b',
    params: SPAN_B,
    first: 77,
    compute: (history) => leadingSpanB(history, SPAN_B),
  },
];
