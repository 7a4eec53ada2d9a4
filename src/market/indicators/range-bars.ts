/** Highs, lows and closes of one stock, equally long. */
export interface RangeBars {
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
}

/** `(H + L + C) / 3` of each bar. */
export function typicalPrice({ high, low, close }: RangeBars): Float64Array {
  return high.map((value, row) => (value + (low[row] ?? NaN) + (close[row] ?? NaN)) / 3);
}

/** Largest of `H − L`, `|H − C[-1]|`, `|L − C[-1]|` per bar; `NaN` in the first row, which has no earlier close. */
export function trueRange({ high, low, close }: RangeBars): Float64Array {
  return high.map((top, row) => {
    const bottom = low[row] ?? NaN;
    const before = close[row - 1] ?? NaN;
    return Math.max(top - bottom, Math.abs(top - before), Math.abs(bottom - before));
  });
}
