import { byCodeUnit } from './by-code-unit.ts';
import type { SessionTable } from '../base/session.ts';
import { formatFeaturesArrow } from './arrow.ts';
import { parseRawCsv } from './bars.ts';
import { cleanAll } from './checks/clean.ts';
import { buildDayAxis } from './features/axis.ts';
import { parseFeatureParams } from './features/feature-params.ts';
import { computeStockFeatures } from './features/stock-features.ts';
import type { StockFeatures } from './features/stock-features.ts';
import { assembleTensor, measureImputation, sliceDays } from './features/tensor.ts';
import { countValidFeatures } from './features/valid-features.ts';
import type { FetchReport } from './fetch-report.ts';
import { MarketError } from './market-error.ts';
import { formatNpy } from './npy.ts';
import { formatFeatureMetadata } from './reports/feature-metadata.ts';
import { formatPipelineMetadata, pipelineRunId } from './reports/pipeline-metadata.ts';
import { formatQualityReport } from './reports/quality-report.ts';

/** All that a feature run is made from; nothing else enters its outs. */
export interface FeatureRunInput {
  /** Text of each raw file by symbol (`M&M.NS`, `^BSESN`); symbols without a file are missing stocks. */
  readonly rawFiles: ReadonlyMap<string, string>;
  /** Symbols of the stock axis in any order; the axis has all of them, ascending by code unit. */
  readonly universe: readonly string[];
  readonly indexSymbol: string;
  /** What the fetch says of the files: where they are from, their period, what was refused, and the quality so far. */
  readonly fetched: FetchReport;
  /** The `features` section of params.yaml. */
  readonly params: unknown;
  readonly calendar: SessionTable;
}

/** Contents of the outs by their names in pipeline.yaml. */
export interface FeatureOutputs {
  /** `feature_maps.npy`, (days, stocks, features), float64 or float32. */
  readonly maps: Uint8Array;
  /** `mask.npy`, (days, stocks), uint8. */
  readonly mask: Uint8Array;
  /** `targets.npy`, (days,), int8. */
  readonly targets: Uint8Array;
  /** `latest.npy`, (1, stocks, features): the last index session, whose target is not known yet. */
  readonly latest: Uint8Array;
  /** `dates.csv`: header `date`, one day of the axis a row. */
  readonly dates: string;
  /** `feature_metadata.json`. */
  readonly metadata: string;
  /** `pipeline_metadata.json`. */
  readonly pipeline_metadata: string;
  /** `features.arrow`: the same numbers as a table. */
  readonly features: Uint8Array;
  /** `reports/data_quality_report.json`. */
  readonly quality: string;
}

/**
 * Cleans the raw files, computes the features and lays them on the day axis of the index. Pure: equal input gives equal
 * bytes, on every machine. Errors: `fetch.index-missing` when the index is missing or refused, `features.too-short` when its
 * sessions do not cover the warm-up, `params.invalid`.
 */
export async function computeFeatureOutputs(input: FeatureRunInput): Promise<FeatureOutputs> {
  const { indexSymbol, fetched } = input;
  const { source, as_of: asOf, data_period: period } = fetched;
  const params = parseFeatureParams(input.params);
  const symbols = [...new Set(input.universe)].sort(byCodeUnit);

  const refused = new Set(fetched.missing.map(({ symbol }) => symbol));
  const wanted = [...symbols, indexSymbol].filter((symbol) => !refused.has(symbol));
  const raw = new Map(
    wanted.flatMap((symbol) => {
      const text = input.rawFiles.get(symbol);
      return text === undefined ? [] : [[symbol, parseRawCsv(symbol, text)] as const];
    }),
  );
  const cleaning = cleanAll(raw, {
    calendar: input.calendar,
    indexSymbol,
    period,
    allowUnadjustedSplit: fetched.allow_unadjusted_split,
  });
  if (!cleaning.series.has(indexSymbol)) {
    const why = cleaning.refused.get(indexSymbol)?.reason ?? 'it has no raw file';
    throw new MarketError('fetch.index-missing', `the index ${indexSymbol} is not usable: ${why}`);
  }

  const warmup = params.features.reduce((most, feature) => Math.max(most, feature.first), 0);
  const axis = buildDayAxis(cleaning.index, warmup);
  const stocks: (StockFeatures | undefined)[] = [];
  for (const symbol of symbols) {
    const stock = cleaning.series.get(symbol);
    stocks.push(stock === undefined ? undefined : await computeStockFeatures(stock, params.features));
  }
  const missingStocks = symbols.filter((_, at) => (stocks[at]?.dates.length ?? 0) === 0);
  // The latest day is laid out behind the axis, so that carrying treats it like any other day.
  const whole = assembleTensor(stocks, [...axis.days, axis.latest], {
    featureCount: params.features.length,
    carryLimit: params.carryLimit,
  });
  const tensor = sliceDays(whole, 0, axis.days.length);
  const latest = sliceDays(whole, axis.days.length, axis.days.length + 1);
  const imputation = measureImputation(tensor);
  const floats = params.dtype === 'float64' ? '<f8' : '<f4';

  return {
    maps: formatNpy(tensor.values, tensor.shape, floats),
    mask: formatNpy(tensor.mask, tensor.shape.slice(0, 2), '|u1'),
    targets: formatNpy(axis.targets, [axis.days.length], '|i1'),
    latest: formatNpy(latest.values, latest.shape, floats),
    dates: `${['date', ...axis.days].join('\n')}\n`,
    metadata: formatFeatureMetadata({
      source,
      asOf,
      days: axis.days,
      symbols,
      features: params.features,
      dtype: params.dtype,
      warmup,
      carryLimit: params.carryLimit,
      trainFraction: params.trainFraction,
      imputation,
      indexSymbol,
      latest: { date: axis.latest, mask: latest.mask },
      missingStocks,
    }),
    pipeline_metadata: formatPipelineMetadata({
      timestamp: fetched.timestamp,
      runId: pipelineRunId(period.to, input.params, input.rawFiles),
      period,
      stocksProcessed: symbols.length - missingStocks.length,
      shape: tensor.shape,
      targets: axis.targets,
      dataQualityScore: fetched.data_quality_score,
      source,
      asOf,
    }),
    features: await formatFeaturesArrow({
      tensor,
      days: axis.days,
      symbols,
      features: params.features.map(({ name }) => name),
      targets: axis.targets,
    }),
    quality: formatQualityReport(fetched, {
      totalFeatures: params.features.length,
      validFeatures: countValidFeatures(
        stocks.filter((stock) => stock !== undefined),
        params.features,
      ),
      missingShare: imputation.carried + imputation.filled,
    }),
  };
}
