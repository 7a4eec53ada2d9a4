import { displace, midRange } from '../indicators/ichimoku.ts';
import type { Feature } from './feature.ts';

const DISPLACEMENT = 26;
const OWN = { group: 'ichimoku', scale: 'price', anchored: false, library: 'lockstep' } as const;

/**
 * The two leading spans as a chart shows them at the bar: computed 26 bars earlier. The lagging span is never a
 * feature: it is the close of 26 bars later.
 */
export const ICHIMOKU_FEATURES: readonly Feature[] = [
  {
    ...OWN,
    name: 'ichimoku_a',
    params: { tenkan: 9, kijun: 26, displacement: DISPLACEMENT },
    first: 51,
    compute: ({ high, low }) => {
      const kijun = midRange(high, low, 26);
      const middle = midRange(high, low, 9).map((tenkan, row) => (tenkan + (kijun[row] ?? NaN)) / 2);
      return displace(middle, DISPLACEMENT);
    },
  },
  {
    ...OWN,
    name: 'ichimoku_b',
    params: { period: 52, displacement: DISPLACEMENT },
    first: 77,
    compute: ({ high, low }) => displace(midRange(high, low, 52), DISPLACEMENT),
  },
];
