/**
 * Where a histogram changes its sign: +1 on the first row above 0 (the one before ≤ 0), −1 on the first row below 0
 * (the one before ≥ 0), else 0. `NaN` until two rows of the histogram exist.
 */
export function crossover(histogram: Float64Array): Float64Array {
  return histogram.map((value, row) => {
    const before = histogram[row - 1] ?? NaN;
    if (Number.isNaN(value) || Number.isNaN(before)) return NaN;
    if (value > 0 && before <= 0) return 1;
    return value < 0 && before >= 0 ? -1 : 0;
  });
}
