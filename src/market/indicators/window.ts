/** Statistic of the `period` values `values[from] … values[from + period − 1]`. */
type WindowStatistic = (values: Float64Array, from: number, period: number) => number;

/**
 * A statistic of each window of `period` values that ends at the row: as long as `values`, `NaN` where the window
 * is not complete or holds a `NaN`. Each window is computed afresh, so no error is carried from row to row.
 */
export function rolling(values: Float64Array, period: number, statistic: WindowStatistic): Float64Array {
  const result = new Float64Array(values.length).fill(NaN);
  let defined = 0;
  for (let row = 0; row < values.length; row++) {
    defined = Number.isNaN(values[row]) ? 0 : defined + 1;
    if (defined >= period) result[row] = statistic(values, row - period + 1, period);
  }
  return result;
}

/** Simple moving average over `period` values; first value at row `period − 1` of the defined ones. */
export function simpleAverage(values: Float64Array, period: number): Float64Array {
  return rolling(values, period, windowMean);
}

/** Standard deviation of the whole window (divisor `period`), two-pass; exactly 0 on a flat window. */
export function populationDeviation(values: Float64Array, period: number): Float64Array {
  return rolling(values, period, (all, from, n) => Math.sqrt(windowSquares(all, from, n) / n));
}

/** Standard deviation estimated from the window as a sample (divisor `period − 1`), two-pass; 0 on a flat window. */
export function sampleDeviation(values: Float64Array, period: number): Float64Array {
  return rolling(values, period, (all, from, n) => Math.sqrt(windowSquares(all, from, n) / (n - 1)));
}

/** Arithmetic mean of a window; exactly the common value when all are equal. */
export function windowMean(values: Float64Array, from: number, period: number): number {
  // n equal values need not divide back to themselves, and a flat window must have no deviation at all.
  if (isFlatWindow(values, from, period)) return values[from] ?? NaN;
  let sum = 0;
  for (let row = from; row < from + period; row++) sum += values[row] ?? NaN;
  return sum / period;
}

/** Whether all values of a window are equal. */
function isFlatWindow(values: Float64Array, from: number, period: number): boolean {
  const first = values[from];
  for (let row = from + 1; row < from + period; row++) if (values[row] !== first) return false;
  return true;
}

/** Largest value of a window. */
export function windowMax(values: Float64Array, from: number, period: number): number {
  let max = -Infinity;
  for (let row = from; row < from + period; row++) max = Math.max(max, values[row] ?? NaN);
  return max;
}

/** Smallest value of a window. */
export function windowMin(values: Float64Array, from: number, period: number): number {
  let min = Infinity;
  for (let row = from; row < from + period; row++) min = Math.min(min, values[row] ?? NaN);
  return min;
}

/** Sum of the squared distances of a window from its mean, in two passes. */
function windowSquares(values: Float64Array, from: number, period: number): number {
  const mean = windowMean(values, from, period);
  let sum = 0;
  for (let row = from; row < from + period; row++) {
    const distance = (values[row] ?? NaN) - mean;
    sum += distance * distance;
  }
  return sum;
}
