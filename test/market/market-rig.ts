import { createExchange } from '../../src/market/exchange/server.ts';
import type { ExchangeOptions } from '../../src/market/exchange/server.ts';
import { createMarketHttp } from '../../src/market/market-http.ts';
import type { MarketHttp } from '../../src/market/market-http.ts';
import { createRetryPolicy } from '../../src/market/retry.ts';
import type { RetryPolicy } from '../../src/market/retry.ts';
import { createYahooChart } from '../../src/market/yahoo/yahoo-chart.ts';
import type { YahooChart } from '../../src/market/yahoo/yahoo-chart.ts';
import type { TestContext } from 'node:test';
import type { FetchReportParams } from '../../src/market/fetch-report.ts';

/** The limits of the project's params.yaml. */
export const LIMITS: FetchReportParams = {
  currency: 'INR',
  min_rows: 100,
  min_completeness: 0.95,
  allow_unadjusted_split: [],
};

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
