import { relativeChange } from '../indicators/relative-change.ts';
import type { Feature } from './feature.ts';
import { typicalPrice } from '../indicators/range-bars.ts';

const OWN = { group: 'price', scale: 'none', anchored: false, library: 'lockstep' } as const;

function simpleReturn(days: number): Feature {
  return {
    ...OWN,
    name: `returns_${days}d`,
    params: { lag: days },
    first: days,
    compute: ({ close }) => relativeChange(close, days),
  };
}

/** Returns, the day's own move, the gap at the open, and the typical price. Fractions, not percent. */
export const PRICE_FEATURES: readonly Feature[] = [
  simpleReturn(1),
  simpleReturn(3),
  simpleReturn(5),
  simpleReturn(10),
  {
    ...OWN,
    name: 'log_returns_1d',
    params: { lag: 1 },
    first: 1,
    compute: ({ close }) => close.map((value, row) => Math.log(value / (close[row - 1] ?? NaN))),
  },
  {
    ...OWN,
    // From open to close: from close to close it would repeat returns_1d.
    name: 'price_change_pct',
    params: {},
    first: 0,
    compute: ({ open, close }) => close.map((value, row) => value / (open[row] ?? NaN) - 1),
  },
  {
    ...OWN,
    name: 'gap_up_down',
    params: { lag: 1 },
    first: 1,
    compute: ({ open, close }) => open.map((value, row) => value / (close[row - 1] ?? NaN) - 1),
  },
  {
    ...OWN,
    name: 'typical_price',
    params: {},
    first: 0,
    scale: 'price',
    compute: typicalPrice,
  },
];
