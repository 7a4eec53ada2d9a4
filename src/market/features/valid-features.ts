import type { Feature } from './feature.ts';
import type { StockFeatures } from './stock-features.ts';

const MIN_DEFINED_SHARE = 0.95;
const CONSTANT_SPREAD = 1e-12;

/**
 * How many features are valid: defined in at least 95 % of the stocks' bars after the feature's own warm-up, and not
 * constant in every stock (`max − min ≤ 1e-12 · max(1, |max|)`).
 */
export function countValidFeatures(stocks: readonly StockFeatures[], features: readonly Feature[]): number {
  return features.filter((feature, at) => {
    let bars = 0;
    let defined = 0;
    let varies = false;
    for (const { columns } of stocks) {
      const values = (columns[at] ?? new Float64Array(0)).subarray(feature.first);
      const known = values.filter((value) => Number.isFinite(value));
      bars += values.length;
      defined += known.length;
      const max = known.reduce((a, b) => Math.max(a, b), -Infinity);
      const min = known.reduce((a, b) => Math.min(a, b), Infinity);
      varies ||= known.length > 0 && max - min > CONSTANT_SPREAD * Math.max(1, Math.abs(max));
    }
    return bars > 0 && defined >= MIN_DEFINED_SHARE * bars && varies;
  }).length;
}
