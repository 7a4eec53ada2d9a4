import type { FetchReport } from '../fetch-report.ts';

/**
 * Reads `reports/fetch_report.json` back; throws an Error naming the first key that the feature run relies on and that
 * is absent or of another kind.
 */
export function parseFetchReport(text: string): FetchReport {
  const value: unknown = JSON.parse(text);
  const record = asRecord(value, 'the report');
  const period = asRecord(record['data_period'], '"data_period"');
  for (const key of ['from', 'to']) check(typeof period[key] === 'string', `"data_period.${key}"`);
  for (const key of ['timestamp', 'source', 'as_of']) check(typeof record[key] === 'string', `"${key}"`);
  for (const key of ['stocks_requested', 'stocks_successful', 'data_quality_score']) {
    check(typeof record[key] === 'number', `"${key}"`);
  }
  asRecord(record['data_freshness'], '"data_freshness"');
  for (const key of ['allow_unadjusted_split', 'missing', 'findings']) {
    check(Array.isArray(record[key]), `"${key}"`);
  }
  return value as FetchReport;
}

function asRecord(value: unknown, name: string): Readonly<Record<string, unknown>> {
  check(typeof value === 'object' && value !== null && !Array.isArray(value), name);
  return value as Readonly<Record<string, unknown>>;
}

function check(holds: boolean, name: string): void {
  if (!holds) throw new Error(`fetch report: ${name} is absent or of another kind`);
}
