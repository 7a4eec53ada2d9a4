import type { SessionTable } from '../base/session.ts';
import type { RawCsv, Series } from './bars.ts';
import { byCodeUnit } from './by-code-unit.ts';
import { cleanAll } from './checks/clean.ts';
import type { Cleaning } from './checks/clean.ts';
import { findForeignUnit } from './checks/currency-unit.ts';
import type { Finding } from './checks/finding.ts';
import { measureCoverage } from './reports/coverage.ts';
import type { Coverage } from './reports/coverage.ts';
import { formatJson, roundFraction } from './reports/json-text.ts';
import { tickTimestamp } from './reports/tick-timestamp.ts';

/**
 * What asking for one symbol came to. Currency and first trading date (ISO, local) as the vendor states them; `retryable`: asking again
 * later may help.
 */
export type FetchResult =
  | {
      readonly ok: true;
      readonly symbol: string;
      readonly series: Series;
      readonly currency?: string | undefined;
      readonly firstTradeDate?: string | undefined;
    }
  | {
      readonly ok: false;
      readonly symbol: string;
      readonly code: string;
      readonly reason: string;
      readonly retryable?: true;
    };

/** Limits of a fetch; absent ones take the value in brackets. */
export interface FetchReportParams {
  /** Expected currency; absent = any. */
  readonly currency?: string | undefined;
  /** Clean bars a successful stock has at least (100). */
  readonly min_rows?: number | undefined;
  /** Completeness a successful stock has at least (0.95). */
  readonly min_completeness?: number | undefined;
  /** Symbols whose jumps by a whole factor, or by more than 20, are believed (none). */
  readonly allow_unadjusted_split?: readonly string[] | undefined;
}

/** All that the report is made from. */
export interface FetchReportInput {
  /** One per requested symbol and one for the index, in any order. */
  readonly results: readonly FetchResult[];
  readonly indexSymbol: string;
  /** Local dates, both included. */
  readonly period: { readonly from: string; readonly to: string };
  /** Local date the tick stands for. */
  readonly tickDate: string;
  readonly calendar: SessionTable;
  readonly params: FetchReportParams;
  readonly source: string;
  readonly asOf: string;
}

/** `reports/fetch_report.json`, keys in this order. Rates, completeness and scores are fractions, six decimals. */
export interface FetchReport {
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
 * Cleans what was fetched and writes down what is there, what is missing and how good it is, as JSON text.
 * A stock is successful with at least `min_rows` clean bars and `min_completeness` since its listing. The index counts
 * in `missing` and `findings` only.
 */
export function buildFetchReport(input: FetchReportInput): string {
  const { results, indexSymbol, period, params } = input;
  const allow = params.allow_unadjusted_split ?? [];
  const missing: { symbol: string; code: string; reason: string }[] = [];
  const unitFindings: Finding[] = [];
  const raw = new Map<string, RawCsv>();
  for (const result of results) {
    if (!result.ok) {
      missing.push({ symbol: result.symbol, code: result.code, reason: result.reason });
      continue;
    }
    const foreign = foreignUnit(result, params.currency, period.to);
    if (foreign.length === 0) raw.set(result.symbol, { ok: true, series: result.series });
    else
      missing.push({ symbol: result.symbol, code: 'series.unit', reason: foreign[0]?.rows[0]?.detail ?? '' });
    unitFindings.push(...foreign);
  }
  const cleaning = cleanAll(raw, {
    calendar: input.calendar,
    indexSymbol,
    period: { from: period.from, to: input.tickDate },
    allowUnadjustedSplit: allow,
  });
  for (const [symbol, { code, reason }] of cleaning.refused) missing.push({ symbol, code, reason });
  for (const [symbol, { bars }] of cleaning.series) {
    if (bars.dates.length === 0) missing.push({ symbol, code: 'series.empty', reason: 'no usable row' });
  }

  const coverage = coverageBySymbol(results, cleaning, indexSymbol);
  const requested = coverage.length;
  const successful = coverage.filter(
    ({ of }) =>
      of !== undefined &&
      of.cleanBars >= (params.min_rows ?? 100) &&
      of.completeness >= (params.min_completeness ?? 0.95),
  ).length;
  const meanOf = (pick: (of: Coverage) => number): number =>
    requested === 0 ? 0 : coverage.reduce((sum, { of }) => sum + (of ? pick(of) : 0), 0) / requested;
  const report: FetchReport = {
    timestamp: tickTimestamp(input.calendar, input.tickDate),
    source: input.source,
    as_of: input.asOf,
    data_period: { from: period.from, to: period.to },
    allow_unadjusted_split: [...allow].sort(byCodeUnit),
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
    missing: missing.sort((a, b) => byCodeUnit(a.symbol, b.symbol)),
    findings: [...unitFindings, ...cleaning.findings]
      .sort((a, b) => byCodeUnit(a.symbol, b.symbol))
      .map((finding) => ({ ...finding, rows: finding.rows.slice(0, MAX_FINDING_ROWS) })),
  };
  return formatJson(report);
}

function foreignUnit(result: FetchResult, expected: string | undefined, date: string): Finding[] {
  if (!result.ok || result.currency === undefined || expected === undefined) return [];
  return findForeignUnit({ symbol: result.symbol, currency: result.currency, date }, expected);
}

/** Per requested stock, ascending by symbol; undefined where there is no usable series. */
function coverageBySymbol(
  results: readonly FetchResult[],
  cleaning: Cleaning,
  indexSymbol: string,
): readonly { readonly symbol: string; readonly of: Coverage | undefined }[] {
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
