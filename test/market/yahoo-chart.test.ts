import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { MarketError } from '../../src/market/market-error.ts';
import { REQUESTS_AT_ONCE } from '../../src/market/market-http.ts';
import { createRetryPolicy } from '../../src/market/retry.ts';
import { createYahooChart } from '../../src/market/yahoo/yahoo-chart.ts';
import { recorded, recordedPath } from './recorded.ts';
import type { MarketHttp } from '../../src/market/market-http.ts';
import type { YahooChart } from '../../src/market/yahoo/yahoo-chart.ts';

const read = (...path: string[]): string => readFileSync(recordedPath('yahoo_chart', ...path), 'utf8');
const envelope = (name: string): string => {
  const { response } = JSON.parse(read('envelopes', `${name}.json`)) as { response: { bodyJson: unknown } };
  return JSON.stringify(response.bodyJson);
};

const NEW_YORK = { from: '1960-01-01', to: '2030-01-01', zone: 'America/New_York' };

interface Scripted {
  readonly yahoo: YahooChart;
  readonly urls: string[];
  readonly waits: number[];
}

/** A chart client over answers given in advance, the last one repeated; text is a good answer, an error is thrown. */
async function script(...answers: readonly (string | Error)[]): Promise<Scripted> {
  const urls: string[] = [];
  const waits: number[] = [];
  const http: MarketHttp = {
    source: 'live',
    get: (url) => {
      urls.push(url);
      const answer = answers[Math.min(urls.length, answers.length) - 1];
      return typeof answer === 'string'
        ? Promise.resolve({ bytes: new TextEncoder().encode(answer), headers: new Headers() })
        : Promise.reject(answer ?? new Error('no answer'));
    },
    close: () => Promise.resolve(),
  };
  const retry = createRetryPolicy({
    random: () => 0.5,
    sleep: (ms) => {
      waits.push(ms);
      return Promise.resolve();
    },
  });
  const { signal } = new AbortController();
  return { yahoo: await createYahooChart({ http, retry, signal }), urls, waits };
}

test(
  'a recorded split and dividend stand on their ex-dates in the zone of the exchange',
  recorded,
  async () => {
    const { yahoo } = await script(envelope('AAPL_2020-08-31_split_and_dividend'));
    const { series, currency, firstTradeDate } = await yahoo.chart('AAPL', NEW_YORK);
    assert.equal(series.dates.length, 49);
    assert.equal(series.dates[0], '2020-08-31');
    assert.equal(series.split[0], 4);
    assert.equal(series.dates.at(-1), '2020-11-06');
    assert.equal(series.dividend.at(-1), 0.205);
    assert.equal(series.dividend.filter((amount) => amount !== 0).length, 1);
    assert.equal(currency, 'USD');
    assert.equal(firstTradeDate, '1980-12-12');
  },
);

test('dates stay right across a change of clocks and on a bar stamped at the close', recorded, async () => {
  const { yahoo } = await script(
    envelope('MSFT_2021-02_2022-01_4_dividends'),
    read('bodies', 'AAPL_6mo_2_dividends.json'),
  );
  const year = (await yahoo.chart('MSFT', NEW_YORK)).series;
  const paid = year.dates.filter((_, row) => year.dividend[row] !== 0);
  assert.deepEqual(paid, ['2021-02-17', '2021-05-19', '2021-08-18', '2021-11-17']);
  assert.equal(new Set(year.dates).size, 252);
  const half = (await yahoo.chart('AAPL', NEW_YORK)).series;
  assert.equal(half.dates.at(-1), '2025-10-29');
  assert.equal(new Set(half.dates).size, 127);
});

test('a recorded bar that is null in every field is passed on as empty', recorded, async () => {
  const { yahoo } = await script(read('bodies', 'INR=X_null_bar.json'));
  const { series } = await yahoo.chart('INR=X', { ...NEW_YORK, zone: 'Europe/London' });
  const row = series.close.findIndex((close) => Number.isNaN(close));
  assert.deepEqual(series.dates.slice(0, 4), ['2017-07-10', '2017-07-11', '2017-07-12', '2017-07-13']);
  for (const column of [series.open, series.high, series.low, series.volume, series.adjClose]) {
    assert.ok(Number.isNaN(column[row]));
  }
  assert.equal(series.close.filter((close) => Number.isNaN(close)).length, 1);
});

test(
  'rows and events outside the period are left out, and no timestamps give no rows',
  recorded,
  async () => {
    const { yahoo } = await script(
      envelope('AAPL_2020-08-31_split_and_dividend'),
      envelope('AAPL_weekend_1m_no_timestamp'),
    );
    const part = (
      await yahoo.chart('AAPL', { from: '2020-09-01', to: '2020-09-04', zone: 'America/New_York' })
    ).series;
    assert.deepEqual([...part.dates], ['2020-09-01', '2020-09-02', '2020-09-03', '2020-09-04']);
    assert.ok(part.split.every((ratio) => ratio === 0));
    assert.ok(part.dividend.every((amount) => amount === 0));
    assert.equal((await yahoo.chart('AAPL', NEW_YORK)).series.dates.length, 0);
  },
);

test(
  'an answer whose currency is null or whose columns are missing is invalid and not asked for again',
  recorded,
  async () => {
    for (const name of ['LUCYW_null_currency_no_rows.json', 'MUV2.DE_one_null_close.json']) {
      const { yahoo, urls } = await script(read('bodies', name));
      await assert.rejects(yahoo.chart('X', NEW_YORK), {
        code: 'yahoo.invalid',
        message: "Yahoo's answer for X lacks what a chart must have",
      });
      assert.equal(urls.length, 1);
    }
  },
);

test('an error that comes inside a good answer is no chart', recorded, async () => {
  const { yahoo } = await script(read('errors', '404_symbol_not_found.json'));
  await assert.rejects(yahoo.chart('X', NEW_YORK), { code: 'yahoo.no-chart' });
});

test('the request begins with a whole day of the exchange, ends after any row, and escapes the symbol', async () => {
  const { yahoo, urls } = await script(new MarketError('http.not-found', 'x'));
  await assert.rejects(yahoo.chart('M&M.NS', { from: '2024-03-17', to: '2026-03-17', zone: 'Asia/Kolkata' }));
  await assert.rejects(yahoo.chart('^BSESN', { from: '2024-03-17', to: '2026-03-17', zone: 'Asia/Kolkata' }));
  const [stock, index] = urls.map((url) => new URL(url));
  assert.equal(stock?.origin, 'https://query2.finance.yahoo.com');
  assert.equal(stock.pathname, '/v8/finance/chart/M%26M.NS');
  assert.equal(index?.pathname, '/v8/finance/chart/%5EBSESN');
  // Midnight in India is 18:30 UTC of the day before.
  assert.equal(stock.searchParams.get('period1'), String(Date.UTC(2024, 2, 16, 18, 30) / 1000));
  assert.equal(stock.searchParams.get('period2'), '9999999999');
  assert.equal(stock.searchParams.get('events'), 'div|split');
  assert.equal(stock.searchParams.get('includePrePost'), 'false');
});

test('a symbol that is not known and a period without data are told at once', async () => {
  for (const [given, code, message] of [
    ['http.not-found', 'yahoo.unknown-symbol', 'Yahoo knows no symbol M&M.NS'],
    ['http.bad-request', 'yahoo.no-data', 'Yahoo has no data of M&M.NS in this period'],
  ] as const) {
    const { yahoo, urls, waits } = await script(new MarketError(given, 'x'));
    await assert.rejects(yahoo.chart('M&M.NS', NEW_YORK), { code, message });
    assert.equal(urls.length, 1);
    assert.deepEqual(waits, []);
  }
});

test('a busy server is asked three times, after two and four seconds or after its own wish', async () => {
  const busy = (retryAfterMs?: number): MarketError =>
    new MarketError('http.rate-limited', 'x', {
      retryable: true,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  const plain = await script(busy());
  await assert.rejects(plain.yahoo.chart('X', NEW_YORK), { code: 'http.rate-limited' });
  assert.equal(plain.urls.length, 3);
  assert.deepEqual(plain.waits, [2_000, 4_000]);

  const wishing = await script(busy(7_000), busy(60_001));
  await assert.rejects(wishing.yahoo.chart('X', NEW_YORK), { code: 'http.rate-limited' });
  assert.equal(wishing.urls.length, 2, 'a wish beyond a minute ends the tries');
  assert.deepEqual(wishing.waits, [7_000]);
});

test('a cut answer is asked for again and the whole one is taken', recorded, async () => {
  const whole = envelope('AAPL_one_bar');
  const { yahoo, urls } = await script(whole.slice(0, whole.length / 2), whole);
  const { series } = await yahoo.chart('AAPL', NEW_YORK);
  assert.deepEqual([...series.dates], ['2022-02-22']);
  assert.equal(urls.length, 2);
  const never = await script(whole.slice(0, 40));
  await assert.rejects(never.yahoo.chart('AAPL', NEW_YORK), {
    code: 'yahoo.not-json',
    message: "Yahoo's answer for AAPL is no complete JSON",
  });
});

test('of many symbols at once a few are asked for; one that waits for another try keeps its place, and an abort ends all', async () => {
  let asked = 0;
  const http: MarketHttp = {
    source: 'live',
    get: () => {
      asked += 1;
      return Promise.reject(new MarketError('http.rate-limited', 'later', { retryable: true }));
    },
    close: () => Promise.resolve(),
  };
  const retry = createRetryPolicy({
    sleep: (_, signal) =>
      new Promise((__, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      }),
  });
  const ending = new AbortController();
  const yahoo = await createYahooChart({ http, retry, signal: ending.signal });
  const symbols = Array.from({ length: 3 * REQUESTS_AT_ONCE }, (_, at) => `S${at}`);
  const charts = Promise.allSettled(symbols.map((symbol) => yahoo.chart(symbol, NEW_YORK)));
  for (let turn = 0; turn < 20; turn += 1) await setImmediate();
  assert.equal(asked, REQUESTS_AT_ONCE);
  ending.abort(new Error('stopped'));
  for (const chart of await charts) {
    assert.equal(chart.status === 'rejected' && (chart.reason as Error).message, 'stopped');
  }
  assert.equal(asked, REQUESTS_AT_ONCE);
});
