import { commodityChannel } from '../indicators/commodity-channel.ts';
import { relativeStrength } from '../indicators/relative-strength.ts';
import { simpleAverage } from '../indicators/window.ts';
import { stochasticK } from '../indicators/stochastic.ts';
import { rateOfChange, williamsR } from '../indicators/technicalindicators.ts';
import type { Feature } from './feature.ts';
import { typicalPrice } from '../indicators/range-bars.ts';

const OWN = { group: 'momentum', scale: 'none', anchored: false, library: 'lockstep' } as const;

function strength(period: number): Feature {
  return {
    ...OWN,
    name: `rsi_${period}`,
    params: { period },
    first: period,
    compute: ({ close }) => relativeStrength(close, period),
  };
}

/** Oscillators, on their customary scale of 0 … 100 (Williams %R −100 … 0), rates of change in percent. */
export const MOMENTUM_FEATURES: readonly Feature[] = [
  strength(14),
  strength(21),
  {
    ...OWN,
    name: 'stoch_k',
    params: { period: 14 },
    first: 13,
    compute: (history) => stochasticK(history, 14),
  },
  {
    ...OWN,
    name: 'stoch_d',
    params: { period: 14, smooth: 3 },
    first: 15,
    compute: (history) => simpleAverage(stochasticK(history, 14), 3),
  },
  {
    ...OWN,
    name: 'williams_r',
    params: { period: 14 },
    first: 13,
    library: 'technicalindicators',
    compute: (history) => williamsR(history, 14),
  },
  {
    ...OWN,
    name: 'roc_10',
    params: { lag: 10 },
    first: 10,
    library: 'technicalindicators',
    compute: ({ close }) => rateOfChange(close, 10),
  },
  {
    ...OWN,
    name: 'momentum_10',
    params: { lag: 10 },
    first: 10,
    scale: 'price',
    compute: ({ close }) => close.map((value, row) => value - (close[row - 10] ?? NaN)),
  },
  {
    ...OWN,
    name: 'cci_20',
    params: { period: 20 },
    first: 19,
    compute: (history) => commodityChannel(typicalPrice(history), 20),
  },
];
