import { calendarFor } from '../../src/market/calendar.ts';
import { computeFetchOutputs } from '../../src/market/fetch-run.ts';
import { createExchange } from '../../src/market/exchange/server.ts';
import type { ExchangeOptions } from '../../src/market/exchange/server.ts';
import { createMarketHttp } from '../../src/market/market-http.ts';
import type { MarketHttp } from '../../src/market/market-http.ts';
import { createRetryPolicy } from '../../src/market/retry.ts';
import type { RetryPolicy } from '../../src/market/retry.ts';
import { createYahooChart } from '../../src/market/yahoo/yahoo-chart.ts';
import type { YahooChart } from '../../src/market/yahoo/yahoo-chart.ts';
import type { TestContext } from 'node:test';
import { INDEX_SYMBOL, LIMITS, UNIVERSE } from './recorded-run.ts';
import { parseFetchReport } from '../../src/market/reports/parse-fetch-report.ts';
import type { FeatureRunInput } from '../../src/market/feature-run.ts';
import type { FetchOutputs, FetchRunInput } from '../../src/market/fetch-run.ts';

/** An exchange of a test's own, and what asks it; waits are noted instead of waited for. */
export interface MarketRig {
  readonly url: string;
  readonly http: MarketHttp;
  readonly yahoo: YahooChart;
  readonly retry: RetryPolicy;
  readonly signal: AbortSignal;
  /** Milliseconds, in their order. */
  readonly waits: readonly number[];
}

/** What the stage `fetch` makes of two years up to a tick, of all members and the index. */
export function fetchTwoYears(
  { yahoo, http }: MarketRig,
  tickDate: string,
  other: Partial<FetchRunInput> = {},
): Promise<FetchOutputs> {
  return computeFetchOutputs({
    yahoo,
    symbols: UNIVERSE,
    index: INDEX_SYMBOL,
    calendar: calendarFor('XBOM'),
    tickDate,
    years: 2,
    params: LIMITS,
    source: http.source,
    log: () => undefined,
    progress: () => undefined,
    ...other,
  });
}

/** What the stage `features` is given of that. */
export function featureRunOf({ files, report }: FetchOutputs, params: unknown): FeatureRunInput {
  return {
    rawFiles: new Map([...files].map(([name, text]) => [name.slice(0, -'.csv'.length), text])),
    universe: UNIVERSE,
    indexSymbol: INDEX_SYMBOL,
    fetched: parseFetchReport(report),
    params,
    calendar: calendarFor('XBOM'),
  };
}

export async function createMarketRig(t: TestContext, options: ExchangeOptions): Promise<MarketRig> {
  const exchange = await createExchange(options);
  t.after(() => exchange.close());
  const { signal } = new AbortController();
  const waits: number[] = [];
  const retry = createRetryPolicy({
    random: () => 0.5,
    sleep: (ms) => {
      waits.push(ms);
      return Promise.resolve();
    },
  });
  const http = await createMarketHttp({ source: exchange.url, signal });
  const yahoo = await createYahooChart({ http, retry, signal });
  return { url: exchange.url, http, yahoo, retry, signal, waits };
}
