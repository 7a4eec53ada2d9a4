/** Highs, lows and closes of one stock, equally long. */
export interface RangeBars {
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
}
