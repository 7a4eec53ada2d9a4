import { MarketError } from './market-error.ts';
import type { FetchResult } from './fetch-report.ts';
import type { ChartPeriod } from './yahoo/chart-series.ts';
import type { YahooChart } from './yahoo/yahoo-chart.ts';

/** What `fetchUniverse` needs. */
export interface FetchUniverseOptions {
  readonly yahoo: YahooChart;
  readonly symbols: readonly string[];
  readonly index: string;
  readonly period: ChartPeriod;
  readonly log: (message: string) => void;
  readonly progress: (state: {
    readonly done: number;
    readonly total: number;
    readonly label: string;
  }) => void;
}

/**
 * The daily bars of the index and of every stock of the universe; the index comes first, then the stocks in the order asked for.
 * One failing stock does not lose the others: it is told to `log` and returned with its code (`yahoo.*`, `http.*`).
 * Error: `fetch.index-missing`, because without the index there is neither a day axis nor a target; worth another try only where
 * asking for the index again is: a name that the vendor does not know stays unknown.
 */
export async function fetchUniverse(options: FetchUniverseOptions): Promise<readonly FetchResult[]> {
  const { symbols, index, log, progress } = options;
  let done = 0;
  const results = await Promise.all(
    [index, ...symbols].map(async (symbol) => {
      const result = await fetchSymbol(symbol, options);
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

async function fetchSymbol(symbol: string, { yahoo, period }: FetchUniverseOptions): Promise<FetchResult> {
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
