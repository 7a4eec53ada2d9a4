import { adjustmentFactors } from '../bars.ts';
import type { Series } from '../bars.ts';
import { byCodeUnit } from '../by-code-unit.ts';
import type { FeatureScale } from './feature.ts';

/**
 * Factors per bar that take later events back out: a number in adjusted units times `price` (or `volume`) is in rupees
 * (or shares) as traded on that day, known on that day.
 */
export interface CausalFactors {
  readonly price: Float64Array;
  readonly volume: Float64Array;
}

/**
 * With f the bar's `Adj Close / Close` and S the product of all splits with a later ex-date: price factor `S/f`,
 * volume factor `1/S`.
 */
export function causalFactors(bars: Series, splits: ReadonlyMap<string, number>): CausalFactors {
  const adjustment = adjustmentFactors(bars);
  const later = new Float64Array(bars.dates.length);
  const pending = [...splits].sort(([a], [b]) => byCodeUnit(a, b));
  let product = 1;
  for (let row = bars.dates.length - 1; row >= 0; row--) {
    for (
      let next = pending.at(-1);
      next !== undefined && next[0] > (bars.dates[row] ?? '');
      next = pending.at(-1)
    ) {
      product *= next[1];
      pending.pop();
    }
    later[row] = product;
  }
  return {
    price: later.map((split, row) => split / (adjustment[row] ?? NaN)),
    volume: later.map((split) => 1 / split),
  };
}

/** A feature's values freed of what happened after each bar; those without a unit are returned as they are. */
export function toCausalUnits(
  values: Float64Array,
  scale: FeatureScale,
  factors: CausalFactors,
): Float64Array {
  switch (scale) {
    case 'none':
      return values;
    case 'price':
      return values.map((value, row) => value * (factors.price[row] ?? NaN));
    case 'volume':
      return values.map((value, row) => value * (factors.volume[row] ?? NaN));
    default:
      return scale satisfies never;
  }
}
