import { wilderAverage } from './smoothed-average.ts';

/**
 * Wilder's relative strength index, 0 … 100: `100·G/(G+D)` with G and D the Wilder averages of gains and losses.
 * First value at row `period`; 50 where nothing has moved yet (G = D = 0), 100 where nothing has fallen.
 * Source: J. W. Wilder, New Concepts in Technical Trading Systems (1978).
 */
export function relativeStrength(close: Float64Array, period: number): Float64Array {
  const change = close.map((value, row) => value - (close[row - 1] ?? NaN));
  const gain = wilderAverage(
    change.map((value) => Math.max(value, 0)),
    period,
  );
  const loss = wilderAverage(
    change.map((value) => Math.max(-value, 0)),
    period,
  );
  return gain.map((up, row) => {
    const down = loss[row] ?? NaN;
    return up + down === 0 ? 50 : (100 * up) / (up + down);
  });
}
