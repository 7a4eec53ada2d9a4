import { rolling } from './window.ts';

/**
 * Volatility per bar from the day's range: `sqrt(Σ ln(H/L)² / (4 n ln 2))` over `period` bars; 0 when all ranges are 0.
 * Source: M. Parkinson, The Extreme Value Method for Estimating the Variance of the Rate of Return (1980).
 */
export function parkinsonVolatility(high: Float64Array, low: Float64Array, period: number): Float64Array {
  const squares = high.map((value, row) => {
    const range = Math.log(value / (low[row] ?? NaN));
    return range * range;
  });
  return rolling(squares, period, (values, from, n) => {
    let sum = 0;
    for (let row = from; row < from + n; row++) sum += values[row] ?? NaN;
    return Math.sqrt(sum / (4 * n * Math.LN2));
  });
}
