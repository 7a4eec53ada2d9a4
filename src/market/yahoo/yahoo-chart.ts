import pLimit from 'p-limit';
import { MarketError } from '../market-error.ts';
import { REQUESTS_AT_ONCE } from '../market-http.ts';
import { withRetry } from '../retry.ts';
import { createLocalDates, toChartSeries } from './chart-series.ts';
import { createYahooFetch } from './yahoo-fetch.ts';
import { zonedInstantMs } from '../../base/session.ts';
import type { MarketHttp } from '../market-http.ts';
import type { RetryPolicy } from '../retry.ts';
import type { ChartAnswer, ChartPeriod, ChartSeries } from './chart-series.ts';

// The vendor has divided the prices by all splits up to now, and lists only those of the time that is asked for. So the end lies
// beyond any row, and the period is cut out of the answer; a clock would make the request another one each time.
const TO_THE_NEWEST_ROW = 9_999_999_999;

/** What `createYahooChart` needs. */
export interface YahooChartOptions {
  readonly http: MarketHttp;
  readonly retry: RetryPolicy;
  readonly signal: AbortSignal;
}

/** Daily bars by symbol. */
export interface YahooChart {
  /**
   * The daily bars of a symbol as Yahoo spells it (`M&M.NS`, `^BSESN`); as many symbols as wanted may be asked for at once, the
   * others wait, also while one waits for another try. Errors: `yahoo.unknown-symbol`, `yahoo.no-data`,
   * `yahoo.not-json`, `yahoo.no-chart`, `yahoo.invalid` (an answer without what a chart must have), and `http.*`.
   */
  chart(symbol: string, period: ChartPeriod): Promise<ChartSeries>;
}

/** A client of Yahoo's chart API over the given network; the library behind it is loaded here and not before. */
export async function createYahooChart(options: YahooChartOptions): Promise<YahooChart> {
  const { http, retry, signal } = options;
  const limit = pLimit(REQUESTS_AT_ONCE);
  const { default: YahooFinance } = await import('yahoo-finance2');
  const client = new YahooFinance({
    fetch: createYahooFetch(http),
    logger: { debug: ignore, info: ignore, warn: ignore, error: ignore, dir: ignore },
    // Otherwise a rejected answer makes it ask the npm registry for a newer version of itself.
    versionCheck: false,
    suppressNotices: ['yahooSurvey'],
    queue: { concurrency: REQUESTS_AT_ONCE },
    validation: { logErrors: false, logOptionsErrors: false },
  });
  const localDateOf = createLocalDates();
  return {
    async chart(symbol, period) {
      const query = {
        period1: zonedInstantMs(period.from, '00:00', period.zone) / 1_000,
        period2: TO_THE_NEWEST_ROW,
        interval: '1d' as const,
        events: 'div|split',
        includePrePost: false,
      };
      const ask = async (): Promise<ChartAnswer> => {
        try {
          // The client puts the symbol into the path as it is.
          return await client.chart(encodeURIComponent(symbol), query);
        } catch (error) {
          signal.throwIfAborted();
          if (error instanceof MarketError) throw error;
          throw new MarketError(
            'yahoo.invalid',
            `Yahoo's answer for ${symbol} lacks what a chart must have`,
            {
              cause: error,
            },
          );
        }
      };
      const answer = await limit(() => withRetry(ask, retry, signal));
      return toChartSeries(answer, { symbol, period, localDateOf });
    },
  };
}

function ignore(): void {}
