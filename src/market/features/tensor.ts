import type { StockFeatures } from './stock-features.ts';

/** Where a value of the feature maps comes from. */
export const ORIGIN = { observed: 0, carried: 1, filled: 2 } as const;

/** Dense maps in C order: day, then stock, then feature. */
export interface FeatureTensor {
  readonly shape: readonly [days: number, stocks: number, features: number];
  /** No NaN, no infinity, no −0. */
  readonly values: Float64Array;
  /** Per day and stock: 1 = the stock has a clean bar that day and all its features are defined. */
  readonly mask: Uint8Array;
  /** Per value an {@link ORIGIN}. */
  readonly origin: Uint8Array;
}

/**
 * Lays stocks onto common days. A value that was not observed is the stock's last observed value of that feature when
 * it is at most `carryLimit` rows old, else 0. Nothing comes from later days, from other stocks, or from before the
 * first day. A stock that is undefined is filled throughout.
 */
export function assembleTensor(
  stocks: readonly (StockFeatures | undefined)[],
  days: readonly string[],
  { featureCount, carryLimit }: { readonly featureCount: number; readonly carryLimit: number },
): FeatureTensor {
  const values = new Float64Array(days.length * stocks.length * featureCount);
  const mask = new Uint8Array(days.length * stocks.length);
  const origin = new Uint8Array(values.length).fill(ORIGIN.filled);
  for (const [stock, features] of stocks.entries()) {
    if (features === undefined) continue;
    const rowOf = new Map(features.dates.map((date, row) => [date, row]));
    const lastDay = new Int32Array(featureCount).fill(-1);
    const lastValue = new Float64Array(featureCount);
    for (const [day, date] of days.entries()) {
      const row = rowOf.get(date);
      const cell = day * stocks.length + stock;
      let complete = row !== undefined;
      for (let feature = 0; feature < featureCount; feature++) {
        const at = cell * featureCount + feature;
        const value = row === undefined ? NaN : (features.columns[feature]?.[row] ?? NaN);
        const seenOn = lastDay[feature] ?? -1;
        if (Number.isFinite(value)) {
          // Adding 0 turns −0 into 0, so that equal values have equal bytes.
          values[at] = value + 0;
          origin[at] = ORIGIN.observed;
          lastDay[feature] = day;
          lastValue[feature] = value + 0;
          continue;
        }
        complete = false;
        if (seenOn >= 0 && day - seenOn <= carryLimit) {
          values[at] = lastValue[feature] ?? 0;
          origin[at] = ORIGIN.carried;
        }
      }
      mask[cell] = complete ? 1 : 0;
    }
  }
  return { shape: [days.length, stocks.length, featureCount], values, mask, origin };
}

/** The days `from` … `to − 1` of a tensor as views on the same memory. */
export function sliceDays(tensor: FeatureTensor, from: number, to: number): FeatureTensor {
  const [, stocks, features] = tensor.shape;
  const day = stocks * features;
  return {
    shape: [to - from, stocks, features],
    values: tensor.values.subarray(from * day, to * day),
    mask: tensor.mask.subarray(from * stocks, to * stocks),
    origin: tensor.origin.subarray(from * day, to * day),
  };
}

/** Shares of values that were carried and filled, as fractions of all values, in all and per stock position. */
export interface Imputation {
  readonly carried: number;
  readonly filled: number;
  readonly byStock: readonly { readonly carried: number; readonly filled: number }[];
}

/** Counts where the values of a tensor come from; 0 for a tensor without days. */
export function measureImputation({ shape, origin }: FeatureTensor): Imputation {
  const [days, stocks, features] = shape;
  const carried = new Float64Array(stocks);
  const filled = new Float64Array(stocks);
  for (const [at, from] of origin.entries()) {
    const stock = Math.floor(at / features) % stocks;
    if (from === ORIGIN.carried) carried[stock] = (carried[stock] ?? 0) + 1;
    if (from === ORIGIN.filled) filled[stock] = (filled[stock] ?? 0) + 1;
  }
  const share = (count: number, of: number): number => (of === 0 ? 0 : count / of);
  const total = (counts: Float64Array): number => counts.reduce((sum, count) => sum + count, 0);
  return {
    carried: share(total(carried), origin.length),
    filled: share(total(filled), origin.length),
    byStock: Array.from({ length: stocks }, (_, stock) => ({
      carried: share(carried[stock] ?? 0, days * features),
      filled: share(filled[stock] ?? 0, days * features),
    })),
  };
}
