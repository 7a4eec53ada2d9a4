import type { History } from './feature.ts';

/** `(H + L + C) / 3` of each bar. */
export function typicalPrice({ high, low, close }: History): Float64Array {
  return high.map((value, row) => (value + (low[row] ?? NaN) + (close[row] ?? NaN)) / 3);
}
