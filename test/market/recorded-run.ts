import { readFile } from 'node:fs/promises';
import { parseRawCsv } from '../../src/market/bars.ts';
import { calendarFor } from '../../src/market/calendar.ts';
import { MEMBERS } from '../../src/market/crosswalk.ts';
import { buildFetchReport } from '../../src/market/fetch-report.ts';
import type { FetchReportParams, FetchResult } from '../../src/market/fetch-report.ts';
import type { FeatureRunInput } from '../../src/market/feature-run.ts';
import { recordedPath } from './recorded.ts';

/** The limits of the project's params.yaml. */
export const LIMITS: FetchReportParams = {
  currency: 'INR',
  min_rows: 100,
  min_completeness: 0.95,
  allow_unadjusted_split: [],
};

/** Symbol of the index in recorded files. */
export const INDEX_SYMBOL = '^BSESN';

/** The thirty members as chart symbols, ascending. */
export const UNIVERSE: readonly string[] = MEMBERS.map(({ symbol }) => `${symbol}.NS`).sort();

/** Texts of the recorded files of a folder under `nse_daily` by symbol; symbols without a file are left out. */
export async function readRecorded(folder: string, symbols: readonly string[]): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const symbol of symbols) {
    try {
      files.set(symbol, await readFile(recordedPath('nse_daily', folder, `${symbol}.csv`), 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return files;
}

/** What a fetch of these files would have come to. */
export function fetchResults(
  rawFiles: ReadonlyMap<string, string>,
  symbols: readonly string[],
): FetchResult[] {
  return symbols.map((symbol) => {
    const text = rawFiles.get(symbol);
    const parsed = text === undefined ? undefined : parseRawCsv(symbol, text);
    return parsed?.ok === true
      ? { ok: true, symbol, series: parsed.series, currency: 'INR' }
      : { ok: false, symbol, code: 'fetch.not-found', reason: 'no data' };
  });
}

/** A whole feature run over the recorded folder `yf_flat`, as of 2026-03-17. */
export async function recordedRun(params: unknown): Promise<FeatureRunInput> {
  const calendar = calendarFor('XBOM');
  const rawFiles = await readRecorded('yf_flat', [...UNIVERSE, INDEX_SYMBOL]);
  const fetched = buildFetchReport({
    results: fetchResults(rawFiles, [...UNIVERSE, INDEX_SYMBOL]),
    indexSymbol: INDEX_SYMBOL,
    period: { from: '2024-03-17', to: '2026-03-17' },
    calendar,
    params: LIMITS,
    source: 'recorded',
  });
  return {
    rawFiles,
    universe: UNIVERSE,
    indexSymbol: INDEX_SYMBOL,
    fetched,
    params,
    calendar,
  };
}
