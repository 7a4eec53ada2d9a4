import type { FeatureParams } from '../features/feature-params.ts';
import type { Imputation } from '../features/tensor.ts';
import type { FetchReport } from '../fetch-report.ts';
import { formatJson, roundFraction } from './json-text.ts';

/** What `feature_metadata.json` tells about the arrays beside it. */
export interface FeatureMetadataInput {
  readonly fetched: FetchReport;
  readonly params: FeatureParams;
  readonly indexSymbol: string;
  readonly days: readonly string[];
  readonly symbols: readonly string[];
  readonly missingStocks: readonly string[];
  readonly imputation: Imputation;
  /** The row of `latest.npy`: its date, and per stock whether it was observed. */
  readonly latest: { readonly date: string; readonly mask: Uint8Array };
}

// A reader of the arrays has no other way to know: the vendor tells no event of it.
const UNITS = {
  price: 'as traded on the day; a later demerger, which is no event of the vendor, scales the days before it',
  volume: 'shares of the day',
};

/**
 * Text of `feature_metadata.json`: schema, source, as_of, shape, dtype, order, axes, features, units, warmup, carry_limit, fill,
 * imputed (fractions of all values), train (the first `train_fraction` of the days), selection, normalisation, target,
 * latest, missing_stocks.
 */
export function formatFeatureMetadata(input: FeatureMetadataInput): string {
  const { fetched, params, days, symbols, imputation } = input;
  const { features } = params;
  const trainDays = Math.floor(params.trainFraction * days.length);
  const shares = ({ carried, filled }: { carried: number; filled: number }): object => ({
    carried: roundFraction(carried),
    filled: roundFraction(filled),
  });
  return formatJson({
    schema: 1,
    source: fetched.source,
    as_of: fetched.as_of,
    shape: [days.length, symbols.length, features.length],
    dtype: params.dtype,
    order: 'C',
    axes: {
      days: { first: days[0] ?? null, last: days.at(-1) ?? null, count: days.length, file: 'dates.csv' },
      stocks: symbols,
      features: features.map((feature) => feature.name),
    },
    features: features.map(({ name, group, params, first, scale, anchored, library }) => {
      return { name, group, params, first, scale, anchored, library };
    }),
    units: UNITS,
    warmup: params.warmup,
    carry_limit: params.carryLimit,
    fill: 0,
    imputed: {
      ...shares(imputation),
      by_stock: Object.fromEntries(
        symbols.map((symbol, at) => [symbol, shares(imputation.byStock[at] ?? { carried: 0, filled: 0 })]),
      ),
    },
    train: { first: trainDays > 0 ? days[0] : null, last: days[trainDays - 1] ?? null, days: trainDays },
    selection: { method: 'none', wanted: features.length, got: features.length },
    normalisation: { method: 'none' },
    target: {
      rule: '1 if the next index session closes higher, else 0',
      index: input.indexSymbol,
      horizon: 1,
    },
    latest: { date: input.latest.date, file: 'latest.npy', mask: [...input.latest.mask] },
    missing_stocks: input.missingStocks,
  });
}
