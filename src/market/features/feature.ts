import type { RangeBars } from '../indicators/range-bars.ts';

/**
 * Clean bars of one stock as the features see them: its own bars only, ascending; open, high, low, close adjusted for
 * splits and dividends, volume adjusted for splits. All columns are equally long.
 */
export interface History extends RangeBars {
  readonly open: Float64Array;
  readonly volume: Float64Array;
}

/** What a feature measures; groups are printed in the metadata. */
export type FeatureGroup =
  | 'price'
  | 'volatility'
  | 'average'
  | 'momentum'
  | 'trend'
  | 'band'
  | 'volume'
  | 'ichimoku';

/** `none` = free of units; `price`, `volume` = proportional to price or to a number of shares. */
export type FeatureScale = 'none' | 'price' | 'volume';

/** One column of the feature maps. */
export interface Feature {
  readonly name: string;
  readonly group: FeatureGroup;
  readonly params: Readonly<Record<string, number>>;
  /** 0-based index, among a stock's own bars, of the first value. */
  readonly first: number;
  readonly scale: FeatureScale;
  /** Whether the level depends on where the history begins (running sums). */
  readonly anchored: boolean;
  /** Who computes it: our own kernels or the npm package. */
  readonly library: 'lockstep' | 'technicalindicators';
  /**
   * Value per bar in adjusted units, as long as the history; `NaN` = not defined. The value at a bar depends on bars up to
   * it alone.
   */
  readonly compute: (history: History) => Float64Array | Promise<Float64Array>;
}
