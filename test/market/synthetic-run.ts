import { calendarFor } from '../../src/market/calendar.ts';
import type { Series } from '../../src/market/bars.ts';
import { buildFetchReport } from '../../src/market/fetch-report.ts';
import type { FetchReportInput, FetchResult } from '../../src/market/fetch-report.ts';
import type { FeatureRunInput } from '../../src/market/feature-run.ts';
import { LIMITS } from './recorded-run.ts';
import {
  SYNTHETIC_INDEX,
  SYNTHETIC_PERIOD,
  SYNTHETIC_UNIVERSE,
  syntheticFiles,
  syntheticSeries,
} from './synthetic-raw.ts';

/** What a fetch of the made-up series comes to; FFF is not found, BBB says when it was listed. */
export function syntheticReportInput(
  series: readonly Series[],
  overrides: Partial<FetchReportInput> = {},
): FetchReportInput {
  const results = [...SYNTHETIC_UNIVERSE, SYNTHETIC_INDEX].map((symbol): FetchResult => {
    const found = series.find((one) => one.symbol === symbol);
    if (found === undefined) return { ok: false, symbol, code: 'yahoo.not-found', reason: 'No data found' };
    return {
      ok: true,
      symbol,
      series: found,
      currency: 'INR',
      firstTradeDate: symbol === 'BBB' ? '2025-01-20' : undefined,
    };
  });
  return {
    results,
    indexSymbol: SYNTHETIC_INDEX,
    period: SYNTHETIC_PERIOD,
    calendar: calendarFor('XBOM'),
    params: LIMITS,
    source: 'made-up',
    ...overrides,
  };
}

/** A feature run over the made-up series. */
export function syntheticRun(
  params: unknown,
  series: readonly Series[] = syntheticSeries(),
): FeatureRunInput {
  return {
    rawFiles: syntheticFiles(series),
    universe: SYNTHETIC_UNIVERSE,
    indexSymbol: SYNTHETIC_INDEX,
    fetched: buildFetchReport(syntheticReportInput(series)),
    params,
    calendar: calendarFor('XBOM'),
  };
}
