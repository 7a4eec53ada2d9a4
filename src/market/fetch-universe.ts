import pLimit from 'p-limit';
import { MarketError } from './market-error.ts';
import type { ChartPeriod, ChartSeries } from './yahoo/chart-series.ts';
import type { YahooChart } from './yahoo/yahoo-chart.ts';

/** What became of one symbol; a failure has the code and the sentence that reports show. */
export type FetchedSymbol =
  | { readonly ok: true; readonly symbol: string; readonly chart: ChartSeries }
  | { readonly ok: false; readonly symbol: string; readonly code: string; readonly reason: string };

/** The index, which is always there, and the stocks in the order asked for. */
export interface FetchedUniverse {
  readonly index: FetchedSymbol & { readonly ok: true };
  readonly stocks: readonly FetchedSymbol[];
}

/** What `fetchUniverse` needs. */
export interface FetchUniverseOptions {
  readonly yahoo: YahooChart;
  readonly symbols: readonly string[];
  readonly index: string;
  readonly period: ChartPeriod;
  /** Currency that every series must have, as ISO code. */
  readonly currency: string;
  readonly concurrency: number;
  readonly signal: AbortSignal;
  readonly log: (message: string) => void;
  readonly progress: (state: {
    readonly done: number;
    readonly total: number;
    readonly label: string;
  }) => void;
}

/**
 * The daily bars of the index and of every stock of the universe, `concurrency` at a time.
 * One failing stock does not lose the others: it is told to `log` and returned with its code (`yahoo.*`, `http.*`, `series.unit`
 * for another currency). Error: `fetch.index-missing`, because without the index there is neither a day axis nor a target.
 */
export async function fetchUniverse(options: FetchUniverseOptions): Promise<FetchedUniverse> {
  const { symbols, index, concurrency, signal, log, progress } = options;
  const limit = pLimit(concurrency);
  let done = 0;
  const fetchNext = (symbol: string): Promise<FetchedSymbol> =>
    limit(async () => {
      signal.throwIfAborted();
      const fetched = await fetchSymbol(symbol, options);
      done += 1;
      progress({ done, total: symbols.length + 1, label: symbol });
      if (!fetched.ok) log(`${symbol} is missing: ${fetched.reason} (${fetched.code})`);
      return fetched;
    });
  const [fetchedIndex, ...stocks] = await Promise.all([index, ...symbols].map(fetchNext));
  if (fetchedIndex === undefined || !fetchedIndex.ok) {
    throw new MarketError(
      'fetch.index-missing',
      `the index ${index} could not be fetched: ${fetchedIndex?.reason ?? ''} (${fetchedIndex?.code ?? ''})`,
    );
  }
  return { index: fetchedIndex, stocks };
}

async function fetchSymbol(symbol: string, options: FetchUniverseOptions): Promise<FetchedSymbol> {
  const { yahoo, period, currency } = options;
  try {
    const chart = await yahoo.chart(symbol, period);
    if (chart.currency !== currency) {
      const reason = `${symbol} is quoted in ${chart.currency}, the run expects ${currency}`;
      return { ok: false, symbol, code: 'series.unit', reason };
    }
    if (chart.series.dates.length === 0) {
      return {
        ok: false,
        symbol,
        code: 'yahoo.no-data',
        reason: `Yahoo has no bars of ${symbol} in this period`,
      };
    }
    return { ok: true, symbol, chart };
  } catch (error) {
    if (!(error instanceof MarketError)) throw error;
    return { ok: false, symbol, code: error.code, reason: error.message };
  }
}
