import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { MarketError } from '../../src/market/market-error.ts';
import { REQUESTS_AT_ONCE } from '../../src/market/market-http.ts';
import { investing } from '../../src/market/sources/investing.ts';
import { moneycontrol } from '../../src/market/sources/moneycontrol.ts';
import { wikipedia } from '../../src/market/sources/wikipedia.ts';
import { createMarketRig } from './market-rig.ts';
import type { MarketHttp } from '../../src/market/market-http.ts';

test('when one stock page of MoneyControl fails the others are asked for no more', async (t) => {
  const { http, retry, signal } = await createMarketRig(t, { seed: 'tickers' });
  const patient = {
    ...retry,
    sleep: (_: number, ending: AbortSignal): Promise<void> =>
      new Promise((__, reject) => {
        ending.addEventListener('abort', () => reject(ending.reason as Error));
      }),
  };
  const asked: string[] = [];
  const watched: MarketHttp = {
    ...http,
    async get(url, headers) {
      if (!url.includes('/stockpricequote/')) return http.get(url, headers);
      asked.push(url);
      throw asked.length === 1
        ? new MarketError('http.blocked', 'no')
        : new MarketError('http.rate-limited', 'later', { retryable: true });
    },
  };
  await assert.rejects(moneycontrol({ http: watched, retry: patient, signal }), {
    code: 'http.blocked',
  });
  await setImmediate();
  assert.equal(asked.length, REQUESTS_AT_ONCE);
});

test('no page is read whose heading names another index, nor one that has no heading', async (t) => {
  const { http, retry, signal } = await createMarketRig(t, { seed: 'tickers' });
  for (const [page, message] of [
    ['<h1>NIFTY 50</h1>', /the page is about "NIFTY 50"$/],
    ['<p>members</p>', /the page has no heading that says which index it shows$/],
  ] as const) {
    const other: MarketHttp = {
      ...http,
      get: async (url, headers) => ({ ...(await http.get(url, headers)), bytes: Buffer.from(page) }),
    };
    for (const load of [moneycontrol, investing, wikipedia])
      await assert.rejects(load({ http: other, retry, signal }), { code: 'source.not-sensex', message });
  }
});
