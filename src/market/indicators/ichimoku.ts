import { rolling, windowMax, windowMin } from './window.ts';

type HighsAndLows = Readonly<Record<'high' | 'low', Float64Array>>;

/**
 * Leading span A as a chart shows it at the bar: the mean of the mid-ranges over `tenkan` and `kijun` bars, computed `displacement` bars
 * earlier. Source of both spans: G. Hosoda, Ichimoku Kinko Hyo (1969).
 */
export function leadingSpanA(
  bars: HighsAndLows,
  { tenkan, kijun, displacement }: { tenkan: number; kijun: number; displacement: number },
): Float64Array {
  const base = midRange(bars, kijun);
  const middle = midRange(bars, tenkan).map((turning, row) => (turning + (base[row] ?? NaN)) / 2);
  return displace(middle, displacement);
}

/** Leading span B: the mid-range over `period` bars, computed `displacement` bars earlier. */
export function leadingSpanB(
  bars: HighsAndLows,
  { period, displacement }: { period: number; displacement: number },
): Float64Array {
  return displace(midRange(bars, period), displacement);
}

/** `(highest high + lowest low) / 2` of `period` bars; first value at row `period − 1`. */
function midRange({ high, low }: HighsAndLows, period: number): Float64Array {
  const bottom = rolling(low, period, windowMin);
  return rolling(high, period, windowMax).map((top, row) => (top + (bottom[row] ?? NaN)) / 2);
}

/** Values moved `rows` rows later; `NaN` in the rows that become free. */
function displace(values: Float64Array, rows: number): Float64Array {
  return values.map((_, row) => values[row - rows] ?? NaN);
}
