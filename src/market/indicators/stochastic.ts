import type { RangeBars } from './range-bars.ts';
import { rolling, windowMax, windowMin } from './window.ts';

/**
 * Raw %K, 0 … 100: where the close stands between the lowest low and the highest high of `period` bars.
 * First value at row `period − 1`; 50 where the whole window has one price.
 * Source: G. Lane's oscillator, unsmoothed as printed by the published sheets under K(14)'.
 */
export function stochasticK(bars: RangeBars, period: number): Float64Array {
  const top = rolling(bars.high, period, windowMax);
  const bottom = rolling(bars.low, period, windowMin);
  return bars.close.map((value, row) => {
    const highest = top[row] ?? NaN;
    const lowest = bottom[row] ?? NaN;
    return highest === lowest ? 50 : (100 * (value - lowest)) / (highest - lowest);
  });
}
