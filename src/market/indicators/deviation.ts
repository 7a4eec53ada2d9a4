import { rolling, windowSquares } from './window.ts';

/** Standard deviation of the whole window (divisor `period`), two-pass; exactly 0 on a flat window. */
export function populationDeviation(values: Float64Array, period: number): Float64Array {
  return rolling(values, period, (all, from, n) => Math.sqrt(windowSquares(all, from, n) / n));
}

/** Standard deviation estimated from the window as a sample (divisor `period − 1`), two-pass; 0 on a flat window. */
export function sampleDeviation(values: Float64Array, period: number): Float64Array {
  return rolling(values, period, (all, from, n) => Math.sqrt(windowSquares(all, from, n) / (n - 1)));
}
