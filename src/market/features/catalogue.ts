import { AVERAGE_FEATURES } from './average.ts';
import { bandFeatures } from './band.ts';
import { DIRECTIONAL_FEATURES } from './directional.ts';
import type { Feature } from './feature.ts';
import { ICHIMOKU_FEATURES } from './ichimoku.ts';
import { MACD_FEATURES } from './macd.ts';
import { MOMENTUM_FEATURES } from './momentum.ts';
import { PRICE_FEATURES } from './price.ts';
import { VOLATILITY_FEATURES } from './volatility.ts';
import { VOLUME_FEATURES } from './volume.ts';

/** All 52 features in catalogue order, which is the order of the last axis of the feature maps. */
export function featureCatalogue(squeezeLookback: number): readonly Feature[] {
  return [
    ...PRICE_FEATURES,
    ...VOLATILITY_FEATURES,
    ...AVERAGE_FEATURES,
    ...MOMENTUM_FEATURES,
    ...MACD_FEATURES,
    ...bandFeatures(squeezeLookback),
    ...VOLUME_FEATURES,
    ...DIRECTIONAL_FEATURES,
    ...ICHIMOKU_FEATURES,
  ];
}

/** The features taken when none are named: all free of units, longest warm-up 27 bars. */
export const DEFAULT_FEATURES: readonly string[] = [
  'returns_1d',
  'returns_5d',
  'log_returns_1d',
  'gap_up_down',
  'volatility_20d',
  'atr_ratio',
  'price_vs_sma20',
  'rsi_14',
  'stoch_k',
  'stoch_d',
  'williams_r',
  'roc_10',
  'cci_20',
  'bb_width',
  'bb_position',
  'volume_ratio',
  'adx_14',
  'di_plus',
  'di_minus',
];
