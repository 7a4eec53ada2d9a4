import { lastSessionByDate } from '../base/session.ts';
import type { SessionTable } from '../base/session.ts';
import type { Series } from './bars.ts';
import { byCodeUnit } from './by-code-unit.ts';
import { cleanAll } from './checks/clean.ts';
import type { Cleaning } from './checks/clean.ts';
import { findingsOf } from './checks/finding.ts';
import type { Finding } from './checks/finding.ts';
import { measureCoverage } from './reports/coverage.ts';
import type { Coverage } from './reports/coverage.ts';
import { roundFraction } from './reports/json-text.ts';

/**
 * What asking for one symbol came to. Currency and first trading date (ISO, local) as the vendor states them; `retryable`: asking again
 * later may help.
 */
export type FetchResult =
  | {
      readonly ok: true;
      readonly symbol: string;
      readonly series: Series;
      readonly currency: string;
      readonly firstTradeDate?: string | undefined;
    }
  | {
      readonly ok: false;
      readonly symbol: string;
      readonly code: string;
      readonly reason: string;
      readonly retryable?: true;
    };

/** Limits of a fetch. */
export interface FetchReportParams {
  /** A series in another one is refused. */
  readonly currency: string;
  /** Clean bars a successful stock has at least. */
  readonly min_rows: number;
  /** Completeness a successful stock has at least. */
  readonly min_completeness: number;
  /** Symbols whose jumps by a whole factor, or by more than 20, are believed. */
  readonly allow_unadjusted_split: readonly string[];
}

/** All that the report is made from. */
export interface FetchReportInput {
  /** One per requested symbol and one for the index, in any order. */
  readonly results: readonly FetchResult[];
  readonly indexSymbol: string;
  /** Local dates, both included; it ends with the date of the tick. */
  readonly period: { readonly from: string; readonly to: string };
  readonly calendar: SessionTable;
  readonly params: FetchReportParams;
  readonly source: string;
}

/** `reports/fetch_report.json`, keys in this order. Rates, completeness and scores are fractions, six decimals. */
export interface FetchReport {
  /** The official close of the last regular session up to the tick's date, in UTC (`2026-03-17T10:00:00Z`); never when it was written. */
  readonly timestamp: string;
  readonly source: string;
  readonly as_of: string;
  readonly data_period: { readonly from: string; readonly to: string };
  readonly allow_unadjusted_split: readonly string[];
  readonly stocks_requested: number;
  readonly stocks_successful: number;
  readonly success_rate: number;
  /** By symbol, 0 for a stock without data; `avg_completeness` is the mean over the requested stocks. */
  readonly data_completeness: Readonly<Record<string, number>>;
  /** Sessions behind by symbol, null for a stock without data. */
  readonly data_freshness: Readonly<Record<string, number | null>>;
  readonly data_quality_score: number;
  /** Stocks (and the index) without usable data. */
  readonly missing: readonly { readonly symbol: string; readonly code: string; readonly reason: string }[];
  /** At most 50 rows each, `count` is the whole. */
  readonly findings: readonly Finding[];
}

const MAX_FINDING_ROWS = 50;

/**
 * Cleans what was fetched and tells what is there, what is missing and how good it is.
 * A stock is successful with at least `min_rows` clean bars and `min_completeness` since its listing. The index counts
 * in `missing` and `findings` only.
 */
export function buildFetchReport(input: FetchReportInput): FetchReport {
  const { indexSymbol, period, params, calendar } = input;
  const results = input.results.map((result) => refuseUnit(result, params.currency));
  const raw = new Map(
    results.flatMap((result) =>
      result.ok ? [[result.symbol, { ok: true, series: result.series }] as const] : [],
    ),
  );
  const cleaning = cleanAll(raw, {
    calendar,
    indexSymbol,
    period,
    allowUnadjustedSplit: params.allow_unadjusted_split,
  });
  const failed = results.filter((result) => !result.ok);
  const empty = [...cleaning.series].filter(([, { bars }]) => bars.dates.length === 0);
  const missing = [
    ...failed.map(({ symbol, code, reason }) => ({ symbol, code, reason })),
    ...[...cleaning.refused].map(([symbol, refusal]) => ({ symbol, ...refusal })),
    ...empty.map(([symbol]) => ({ symbol, code: 'series.empty', reason: 'no usable row' })),
  ];
  const units = failed
    .filter(({ code }) => code === 'series.unit')
    .flatMap(({ symbol, reason }) =>
      findingsOf({ rule: 'series.unit', severity: 'error', symbol }, [{ date: period.to, detail: reason }]),
    );
  return {
    timestamp: new Date(lastSessionByDate(calendar, period.to).closeMs).toISOString().replace('.000Z', 'Z'),
    source: input.source,
    as_of: period.to,
    data_period: { from: period.from, to: period.to },
    allow_unadjusted_split: [...params.allow_unadjusted_split].sort(byCodeUnit),
    ...measureStocks(coverageBySymbol(results, cleaning, indexSymbol), params),
    missing: missing.sort((a, b) => byCodeUnit(a.symbol, b.symbol)),
    findings: [...units, ...cleaning.findings]
      .sort((a, b) => byCodeUnit(a.symbol, b.symbol))
      .map((finding) => ({ ...finding, rows: finding.rows.slice(0, MAX_FINDING_ROWS) })),
  };
}

/** Minor units are other currencies, too: `GBp`, `ZAc`, `ILA`. */
function refuseUnit(result: FetchResult, currency: string): FetchResult {
  if (!result.ok || result.currency === currency) return result;
  const reason = `quoted in ${result.currency}, not ${currency}`;
  return { ok: false, symbol: result.symbol, code: 'series.unit', reason };
}

interface StockCoverage {
  readonly symbol: string;
  /** Undefined where there is no usable series. */
  readonly of: Coverage | undefined;
}

/** Per requested stock, ascending by symbol. */
function coverageBySymbol(
  results: readonly FetchResult[],
  cleaning: Cleaning,
  indexSymbol: string,
): readonly StockCoverage[] {
  return results
    .filter(({ symbol }) => symbol !== indexSymbol)
    .toSorted((a, b) => byCodeUnit(a.symbol, b.symbol))
    .map((result) => {
      const stock = cleaning.series.get(result.symbol);
      const usable = result.ok && stock !== undefined && stock.bars.dates.length > 0;
      return {
        symbol: result.symbol,
        of: usable ? measureCoverage(stock, cleaning, result.firstTradeDate) : undefined,
      };
    });
}

function measureStocks(
  coverage: readonly StockCoverage[],
  { min_rows, min_completeness }: FetchReportParams,
) {
  const requested = coverage.length;
  const successful = coverage.filter(
    ({ of }) => of !== undefined && of.cleanBars >= min_rows && of.completeness >= min_completeness,
  ).length;
  const meanOf = (pick: (of: Coverage) => number): number =>
    requested === 0 ? 0 : coverage.reduce((sum, { of }) => sum + (of ? pick(of) : 0), 0) / requested;
  return {
    stocks_requested: requested,
    stocks_successful: successful,
    success_rate: roundFraction(requested === 0 ? 0 : successful / requested),
    data_completeness: {
      ...Object.fromEntries(coverage.map(({ symbol, of }) => [symbol, roundFraction(of?.completeness ?? 0)])),
      avg_completeness: roundFraction(meanOf((of) => of.completeness)),
    },
    data_freshness: Object.fromEntries(
      coverage.map(({ symbol, of }) => [symbol, of?.sessionsBehind ?? null]),
    ),
    data_quality_score: roundFraction(meanOf((of) => of.score)),
  };
}
