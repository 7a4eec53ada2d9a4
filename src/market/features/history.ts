import { adjustmentFactors } from '../bars.ts';
import type { Series } from '../bars.ts';
import type { History } from './feature.ts';

/** The features' view of clean bars: prices times `Adj Close / Close`, volume as it is. */
export function toHistory(bars: Series): History {
  const factors = adjustmentFactors(bars);
  const adjust = (prices: Float64Array): Float64Array =>
    prices.map((price, row) => price * (factors[row] ?? NaN));
  return {
    dates: bars.dates,
    open: adjust(bars.open),
    high: adjust(bars.high),
    low: adjust(bars.low),
    close: adjust(bars.close),
    volume: bars.volume,
  };
}
