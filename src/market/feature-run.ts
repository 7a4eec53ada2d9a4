import { byCodeUnit } from './by-code-unit.ts';
import type { SessionTable } from '../base/session.ts';
import { formatFeaturesArrow } from './arrow.ts';
import { parseRawCsv } from './bars.ts';
import type { RawCsv } from './bars.ts';
import { cleanAll } from './checks/clean.ts';
import type { Cleaning } from './checks/clean.ts';
import { buildDayAxis } from './features/axis.ts';
import type { DayAxis } from './features/axis.ts';
import { parseFeatureParams } from './features/feature-params.ts';
import type { FeatureParams } from './features/feature-params.ts';
import { computeStockFeatures } from './features/stock-features.ts';
import type { StockFeatures } from './features/stock-features.ts';
import { assembleTensor, measureImputation, sliceDays } from './features/tensor.ts';
import type { FeatureTensor } from './features/tensor.ts';
import { countValidFeatures } from './features/valid-features.ts';
import type { FetchReport } from './fetch-report.ts';
import { MarketError } from './market-error.ts';
import { formatNpy } from './npy.ts';
import { formatFeatureMetadata } from './reports/feature-metadata.ts';
import { roundFraction } from './reports/json-text.ts';
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
  const params = parseFeatureParams(input.params);
  const { features } = params;
  const symbols = [...new Set(input.universe)].sort(byCodeUnit);
  const { axis, stocks, tensor, latest } = await computeMaps(cleanRawFiles(input, symbols), symbols, params);
  const { days, targets } = axis;
  const missingStocks = symbols.filter((_, at) => (stocks[at]?.dates.length ?? 0) === 0);
  const imputation = measureImputation(tensor);
  const floats = params.dtype === 'float64' ? '<f8' : '<f4';
  return {
    maps: formatNpy(tensor.values, tensor.shape, floats),
    mask: formatNpy(tensor.mask, tensor.shape.slice(0, 2), '|u1'),
    targets: formatNpy(targets, [days.length], '|i1'),
    latest: formatNpy(latest.values, latest.shape, floats),
    dates: `${['date', ...days].join('\n')}\n`,
    metadata: formatFeatureMetadata({
      fetched,
      params,
      indexSymbol,
      days,
      symbols,
      missingStocks,
      imputation,
      latest: { date: axis.latest, mask: latest.mask },
    }),
    pipeline_metadata: formatPipelineMetadata(fetched, {
      runId: pipelineRunId(fetched.data_period.to, input.params, input.rawFiles),
      stocksProcessed: symbols.length - missingStocks.length,
      shape: tensor.shape,
      targets,
    }),
    features: await formatFeaturesArrow({
      tensor,
      days,
      symbols,
      features: features.map(({ name }) => name),
      targets,
    }),
    quality: formatQualityReport(fetched, {
      total_features: features.length,
      valid_features: countValidFeatures(
        stocks.filter((stock) => stock !== undefined),
        features,
      ),
      missing_data_percentage: roundFraction(imputation.carried + imputation.filled),
    }),
  };
}

function cleanRawFiles(input: FeatureRunInput, symbols: readonly string[]): Cleaning {
  const { indexSymbol, fetched, calendar } = input;
  const refused = new Set(fetched.missing.map(({ symbol }) => symbol));
  const raw = new Map<string, RawCsv>();
  for (const symbol of [...symbols, indexSymbol]) {
    const text = input.rawFiles.get(symbol);
    if (text !== undefined && !refused.has(symbol)) raw.set(symbol, parseRawCsv(symbol, text));
  }
  const cleaning = cleanAll(raw, {
    calendar,
    indexSymbol,
    period: fetched.data_period,
    allowUnadjustedSplit: fetched.allow_unadjusted_split,
  });
  if (!cleaning.series.has(indexSymbol)) {
    const why = cleaning.refused.get(indexSymbol)?.reason ?? 'it has no raw file';
    throw new MarketError('fetch.index-missing', `the index ${indexSymbol} is not usable: ${why}`);
  }
  return cleaning;
}

/** `stocks` in the order of the symbols, undefined without usable bars. */
interface FeatureMaps {
  readonly axis: DayAxis;
  readonly stocks: readonly (StockFeatures | undefined)[];
  readonly tensor: FeatureTensor;
  readonly latest: FeatureTensor;
}

async function computeMaps(
  cleaning: Cleaning,
  symbols: readonly string[],
  { features, warmup, carryLimit }: FeatureParams,
): Promise<FeatureMaps> {
  const axis = buildDayAxis(cleaning.index, warmup);
  const stocks: (StockFeatures | undefined)[] = [];
  for (const symbol of symbols) {
    const stock = cleaning.series.get(symbol);
    stocks.push(stock === undefined ? undefined : await computeStockFeatures(stock, features));
  }
  // The latest day is laid out behind the axis, so that carrying treats it like any other day.
  const whole = assembleTensor(stocks, [...axis.days, axis.latest], {
    featureCount: features.length,
    carryLimit,
  });
  const count = axis.days.length;
  return {
    axis,
    stocks,
    tensor: sliceDays(whole, 0, count),
    latest: sliceDays(whole, count, count + 1),
  };
}
