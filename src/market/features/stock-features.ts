import { adjustmentFactors } from '../bars.ts';
import type { Series } from '../bars.ts';
import { byCodeUnit } from '../by-code-unit.ts';
import type { CleanSeries } from '../checks/clean.ts';
import type { Feature, FeatureScale, History } from './feature.ts';

/** Feature values of one stock on its own bars: one column per feature, `NaN` = not defined. */
export interface StockFeatures {
  readonly dates: readonly string[];
  readonly columns: readonly Float64Array[];
}

/**
 * Computes the features of one stock in adjusted units, and takes the adjustment out of what they say: a value at a bar knows nothing of
 * later bars, splits and dividends.
 */
export async function computeStockFeatures(
  { bars, events }: CleanSeries,
  features: readonly Feature[],
): Promise<StockFeatures> {
  const adjustment = adjustmentFactors(bars);
  const history = toHistory(bars, adjustment);
  const factors = causalFactors(bars.dates, adjustment, events.splits);
  const columns: Float64Array[] = [];
  for (const { compute, scale } of features) {
    const values = await compute(history);
    columns.push(
      scale === 'none' ? values : values.map((value, row) => value * (factors[scale][row] ?? NaN)),
    );
  }
  return { dates: bars.dates, columns };
}

function toHistory(bars: Series, adjustment: Float64Array): History {
  const adjust = (prices: Float64Array): Float64Array =>
    prices.map((price, row) => price * (adjustment[row] ?? NaN));
  return {
    open: adjust(bars.open),
    high: adjust(bars.high),
    low: adjust(bars.low),
    close: adjust(bars.close),
    volume: bars.volume,
  };
}

/**
 * Factors per bar that take later events back out: a number in adjusted units times `price` (or `volume`) is in rupees (or shares) as
 * traded on that day, known on that day. With f the bar's adjustment and S the product of all splits with a later ex-date: `S/f` and `1/S`.
 */
export function causalFactors(
  dates: readonly string[],
  adjustment: Float64Array,
  splits: ReadonlyMap<string, number>,
): Readonly<Record<Exclude<FeatureScale, 'none'>, Float64Array>> {
  const latestFirst = [...splits].sort(([a], [b]) => byCodeUnit(b, a));
  const later = Float64Array.from(dates, (date) =>
    latestFirst.reduce((product, [exDate, split]) => (exDate > date ? product * split : product), 1),
  );
  return {
    price: later.map((split, row) => split / (adjustment[row] ?? NaN)),
    volume: later.map((split) => 1 / split),
  };
}
