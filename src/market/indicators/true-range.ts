/** Largest of `H − L`, `|H − C[-1]|`, `|L − C[-1]|` per bar; `NaN` in the first row, which has no earlier close. */
export function trueRange(high: Float64Array, low: Float64Array, close: Float64Array): Float64Array {
  return high.map((top, row) => {
    const bottom = low[row] ?? NaN;
    const before = close[row - 1] ?? NaN;
    return Math.max(top - bottom, Math.abs(top - before), Math.abs(bottom - before));
  });
}
