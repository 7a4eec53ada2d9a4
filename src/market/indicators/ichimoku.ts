import { rolling, windowMax, windowMin } from './window.ts';

/** `(highest high + lowest low) / 2` of `period` bars; first value at row `period − 1`. */
export function midRange(high: Float64Array, low: Float64Array, period: number): Float64Array {
  const bottom = rolling(low, period, windowMin);
  return rolling(high, period, windowMax).map((top, row) => (top + (bottom[row] ?? NaN)) / 2);
}

/** Values moved `rows` rows later; `NaN` in the rows that become free. */
export function displace(values: Float64Array, rows: number): Float64Array {
  return values.map((_, row) => values[row - rows] ?? NaN);
}
