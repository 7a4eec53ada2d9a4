/**
 * Recursive average: the first value is the mean of the first `period` defined values, then
 * `average += weight · (value − average)`. `NaN` before; a leading run of `NaN` in `values` is skipped.
 */
function recursiveAverage(values: Float64Array, period: number, weight: number): Float64Array {
  const result = new Float64Array(values.length).fill(NaN);
  const start = values.findIndex((value) => !Number.isNaN(value));
  if (start < 0 || start + period > values.length) return result;
  let sum = 0;
  for (let row = start; row < start + period; row++) sum += values[row] ?? NaN;
  let average = sum / period;
  result[start + period - 1] = average;
  for (let row = start + period; row < values.length; row++) {
    average += weight * ((values[row] ?? NaN) - average);
    result[row] = average;
  }
  return result;
}

/**
 * Wilder's average of J. W. Wilder, New Concepts in Technical Trading Systems (1978): seeded by the mean of the
 * first `period` values, each later value counts 1/`period`.
 */
export function wilderAverage(values: Float64Array, period: number): Float64Array {
  return recursiveAverage(values, period, 1 / period);
}

/** Exponential average, seeded by the mean of the first `period` defined values, weight 2/(`period` + 1). */
export function exponentialAverage(values: Float64Array, period: number): Float64Array {
  return recursiveAverage(values, period, 2 / (period + 1));
}
