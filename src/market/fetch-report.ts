import type { SessionTable } from '../base/session.ts';
import type { RawCsv, Series } from './bars.ts';
import { byCodeUnit } from './by-code-unit.ts';
import { cleanAll } from './checks/clean.ts';
import type { Cleaning } from './checks/clean.ts';
import { findingsOf } from './checks/finding.ts';
import type { Finding } from './checks/finding.ts';
import { measureCoverage } from './reports/coverage.ts';
import type { Coverage } from './reports/coverage.ts';
import { roundFraction } from './reports/json-text.ts';
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
  const { results, indexSymbol, period, params, calendar } = input;
  const missing: { symbol: string; code: string; reason: string }[] = [];
  const unitFindings: Finding[] = [];
  const raw = new Map<string, RawCsv>();
  for (const result of results) {
    const { symbol } = result;
    if (!result.ok) {
      missing.push({ symbol, code: result.code, reason: result.reason });
    } else if (result.currency === params.currency) {
      raw.set(symbol, { ok: true, series: result.series });
    } else {
      // Minor units are other currencies, too: `GBp`, `ZAc`, `ILA`.
      const reason = `quoted in ${result.currency}, not ${params.currency}`;
      missing.push({ symbol, code: 'series.unit', reason });
      unitFindings.push(
        ...findingsOf({ rule: 'series.unit', severity: 'error', symbol }, [
          { date: period.to, detail: reason },
        ]),
      );
    }
  }
  const cleaning = cleanAll(raw, {
    calendar,
    indexSymbol,
    period,
    allowUnadjustedSplit: params.allow_unadjusted_split,
  });
  for (const [symbol, { code, reason }] of cleaning.refused) missing.push({ symbol, code, reason });
  for (const [symbol, { bars }] of cleaning.series) {
    if (bars.dates.length === 0) missing.push({ symbol, code: 'series.empty', reason: 'no usable row' });
  }

  const coverage = coverageBySymbol(results, cleaning, indexSymbol);
  const requested = coverage.length;
  const successful = coverage.filter(
    ({ of }) =>
      of !== undefined && of.cleanBars >= params.min_rows && of.completeness >= params.min_completeness,
  ).length;
  const meanOf = (pick: (of: Coverage) => number): number =>
    requested === 0 ? 0 : coverage.reduce((sum, { of }) => sum + (of ? pick(of) : 0), 0) / requested;
  return {
    timestamp: tickTimestamp(calendar, period.to),
    source: input.source,
    as_of: period.to,
    data_period: { from: period.from, to: period.to },
    allow_unadjusted_split: [...params.allow_unadjusted_split].sort(byCodeUnit),
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
