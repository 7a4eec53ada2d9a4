import { priceVolumeTrend } from '../indicators/price-volume-trend.ts';
import { relativeChange } from '../indicators/relative-change.ts';
import { simpleAverage } from '../indicators/window.ts';
import { onBalanceVolume } from '../indicators/technicalindicators.ts';
import type { Feature } from './feature.ts';

const OWN = { group: 'volume', scale: 'volume', anchored: false, library: 'lockstep' } as const;

/** Volume against its own past, and running sums of volume; the sums start at the first bar of the fetched window. */
export const VOLUME_FEATURES: readonly Feature[] = [
  {
    ...OWN,
    name: 'volume_sma_20',
    params: { period: 20 },
    first: 19,
    compute: ({ volume }) => simpleAverage(volume, 20),
  },
  {
    ...OWN,
    name: 'volume_ratio',
    params: { period: 20 },
    first: 19,
    scale: 'none',
    compute: ({ volume }) => {
      const average = simpleAverage(volume, 20);
      return volume.map((value, row) => (average[row] === 0 ? 1 : value / (average[row] ?? NaN)));
    },
  },
  {
    ...OWN,
    name: 'volume_rate_change',
    params: { lag: 5 },
    first: 5,
    scale: 'none',
    compute: ({ volume }) => relativeChange(volume, 5),
  },
  {
    ...OWN,
    name: 'obv',
    params: {},
    first: 0,
    anchored: true,
    library: 'technicalindicators',
    compute: ({ close, volume }) => onBalanceVolume(close, volume),
  },
  {
    ...OWN,
    name: 'obv_sma',
    params: { period: 20 },
    first: 19,
    anchored: true,
    library: 'technicalindicators',
    compute: async ({ close, volume }) => simpleAverage(await onBalanceVolume(close, volume), 20),
  },
  {
    ...OWN,
    name: 'volume_price_trend',
    params: {},
    first: 0,
    anchored: true,
    compute: ({ close, volume }) => priceVolumeTrend(close, volume),
  },
];
