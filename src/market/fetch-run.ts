import { minusYears } from '../base/session.ts';
import { formatRawCsv } from './bars.ts';
import { buildFetchReport } from './fetch-report.ts';
import { MarketError } from './market-error.ts';
import { formatJson } from './reports/json-text.ts';
import type { SessionTable } from '../base/session.ts';
import type { Finding } from './checks/finding.ts';
import type { FetchReportParams, FetchResult } from './fetch-report.ts';
import type { SourceKind } from './market-http.ts';
import type { ChartPeriod } from './yahoo/chart-series.ts';
import type { YahooChart } from './yahoo/yahoo-chart.ts';

/** Whose bars are asked for, of whom, and who hears of it. */
export interface UniverseRequest {
  readonly yahoo: YahooChart;
  readonly symbols: readonly string[];
  readonly index: string;
  readonly log: (message: string) => void;
  readonly progress: (state: {
    readonly done: number;
    readonly total: number;
    readonly label: string;
  }) => void;
}

/** What a fetch is made from: the symbols, the tick and the settings. */
export interface FetchRunInput extends UniverseRequest {
  readonly calendar: SessionTable;
  /** Local date of the tick; the period ends there. */
  readonly tickDate: string;
  /** Length of the period in calendar years, both ends included. */
  readonly years: number;
  readonly params: FetchReportParams;
  readonly source: SourceKind;
}

/** Contents of the outs of a fetch. */
export interface FetchOutputs {
  /** Text of each raw file by its name (`M&M.NS.csv`); none for a symbol that could not be fetched. */
  readonly files: ReadonlyMap<string, string>;
  /** `reports/fetch_report.json`. */
  readonly report: string;
}

/**
 * Fetches the index and the universe for the years before the tick and reports on what came; findings that are errors are told to
 * `log`, too. Equal answers give equal bytes. Error: `fetch.index-missing` when the index did not come or cannot be used; a missing
 * stock is in the report only.
 */
export async function computeFetchOutputs(input: FetchRunInput): Promise<FetchOutputs> {
  const { calendar, tickDate, years, index, params, source } = input;
  const period = { from: minusYears(tickDate, years), to: tickDate };
  const results = await fetchUniverse(input, { ...period, zone: calendar.zone });
  const report = buildFetchReport({
    results,
    indexSymbol: index,
    period,
    calendar,
    params,
    source,
  });
  for (const finding of report.findings.filter(({ severity }) => severity === 'error'))
    input.log(toLine(finding));
  const refused = report.missing.find(({ symbol }) => symbol === index);
  if (refused !== undefined) {
    throw new MarketError(
      'fetch.index-missing',
      `the index ${index} cannot be used: ${refused.reason} (${refused.code})`,
    );
  }
  const files = results.flatMap((result) =>
    result.ok ? [[`${result.symbol}.csv`, formatRawCsv(result.series)] as const] : [],
  );
  return { files: new Map(files), report: formatJson(report) };
}

function toLine({ symbol, rule, count, rows: [first] }: Finding): string {
  const more = count > 1 ? `, and ${count - 1} more` : '';
  return `${symbol}: ${first?.date}: ${first?.detail}${more} (${rule})`;
}

/**
 * The daily bars of the index and of every stock of the universe; the index comes first, then the stocks in the order asked for.
 * One failing stock does not lose the others: it is told to `log` and returned with its code (`yahoo.*`, `http.*`).
 * Error: `fetch.index-missing`, because without the index there is neither a day axis nor a target; worth another try only where
 * asking for the index again is: a name that the vendor does not know stays unknown.
 */
export async function fetchUniverse(
  { yahoo, symbols, index, log, progress }: UniverseRequest,
  period: ChartPeriod,
): Promise<readonly FetchResult[]> {
  let done = 0;
  const results = await Promise.all(
    [index, ...symbols].map(async (symbol) => {
      const result = await fetchSymbol(symbol, yahoo, period);
      done += 1;
      progress({ done, total: symbols.length + 1, label: symbol });
      if (!result.ok) log(`${symbol} is missing: ${result.reason} (${result.code})`);
      return result;
    }),
  );
  const [first] = results;
  if (first?.ok === false) {
    throw new MarketError(
      'fetch.index-missing',
      `the index ${index} could not be fetched: ${first.reason} (${first.code})`,
      { retryable: first.retryable === true },
    );
  }
  return results;
}

async function fetchSymbol(symbol: string, yahoo: YahooChart, period: ChartPeriod): Promise<FetchResult> {
  try {
    const { series, currency, firstTradeDate } = await yahoo.chart(symbol, period);
    if (series.dates.length > 0) return { ok: true, symbol, series, currency, firstTradeDate };
    const reason = `Yahoo has no bars of ${symbol} in this period`;
    return { ok: false, symbol, code: 'yahoo.no-data', reason };
  } catch (error) {
    if (!(error instanceof MarketError)) throw error;
    const { code, message: reason, retryable } = error;
    return { ok: false, symbol, code, reason, ...(retryable && { retryable }) };
  }
}
