import { rolling, windowMean } from './window.ts';

/**
 * Commodity channel index of a typical price: its distance from the mean of `period` values in units of
 * 0.015 mean absolute deviations. First value at row `period − 1`; 0 on a flat window.
 * Source: D. Lambert, Commodity Channel Index (1980).
 */
export function commodityChannel(typicalPrice: Float64Array, period: number): Float64Array {
  return rolling(typicalPrice, period, (values, from, n) => {
    const mean = windowMean(values, from, n);
    let distances = 0;
    for (let row = from; row < from + n; row++) distances += Math.abs((values[row] ?? NaN) - mean);
    return distances === 0 ? 0 : ((values[from + n - 1] ?? NaN) - mean) / (0.015 * (distances / n));
  });
}
