import { minusYears } from '../base/session.ts';
import { formatRawCsv } from './bars.ts';
import { buildFetchReport } from './fetch-report.ts';
import { fetchUniverse } from './fetch-universe.ts';
import { MarketError } from './market-error.ts';
import { formatJson } from './reports/json-text.ts';
import type { SessionTable } from '../base/session.ts';
import type { Finding } from './checks/finding.ts';
import type { FetchReportParams } from './fetch-report.ts';
import type { FetchUniverseOptions } from './fetch-universe.ts';
import type { SourceKind } from './market-http.ts';

/** What a fetch is made from: the symbols, the tick and the settings. */
export interface FetchRunInput extends Omit<FetchUniverseOptions, 'period'> {
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
  const results = await fetchUniverse({ ...input, period: { ...period, zone: calendar.zone } });
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
