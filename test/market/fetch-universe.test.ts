import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toSeries } from '../../src/market/bars.ts';
import { fetchUniverse } from '../../src/market/fetch-run.ts';
import { MarketError } from '../../src/market/market-error.ts';
import type { FetchResult } from '../../src/market/fetch-report.ts';
import type { ChartSeries } from '../../src/market/yahoo/chart-series.ts';

const bar = { date: '2026-03-17', open: 1, high: 1, low: 1, close: 1, volume: 1 };
const good = (symbol: string): ChartSeries => ({
  currency: 'INR',
  firstTradeDate: undefined,
  series: toSeries(symbol, [bar]),
});

interface Run {
  readonly result: Promise<readonly FetchResult[]>;
  readonly told: string[];
}

/** Fetches A, B and C and the index ^I; `answers` replaces the good answer of a symbol. */
function run(answers: Readonly<Record<string, ChartSeries | Error>>): Run {
  const told: string[] = [];
  const result = fetchUniverse(
    {
      yahoo: {
        chart: async (symbol) => {
          const answer = answers[symbol] ?? good(symbol);
          if (answer instanceof Error) throw answer;
          return answer;
        },
      },
      symbols: ['A', 'B', 'C'],
      index: '^I',
      log: (message) => told.push(message),
      progress: ({ done, total, label }) => told.push(`${done}/${total} ${label}`),
    },
    { from: '2024-03-17', to: '2026-03-17', zone: 'Asia/Kolkata' },
  );
  return { result, told };
}

test('stocks come back in the order asked for, the index first', async () => {
  const { result, told } = run({});
  assert.deepEqual(
    (await result).map(({ symbol, ok }) => [symbol, ok]),
    [
      ['^I', true],
      ['A', true],
      ['B', true],
      ['C', true],
    ],
  );
  assert.equal(told.at(-1), '4/4 C');
});

test('a stock that fails or is empty is told with its code and loses nobody else', async () => {
  const { result, told } = run({
    A: new MarketError('yahoo.unknown-symbol', 'Yahoo knows no symbol A'),
    B: { ...good('B'), series: toSeries('B', []) },
  });
  assert.deepEqual((await result).slice(1, 3), [
    { ok: false, symbol: 'A', code: 'yahoo.unknown-symbol', reason: 'Yahoo knows no symbol A' },
    { ok: false, symbol: 'B', code: 'yahoo.no-data', reason: 'Yahoo has no bars of B in this period' },
  ]);
  assert.equal((await result)[3]?.ok, true);
  assert.ok(told.includes('A is missing: Yahoo knows no symbol A (yahoo.unknown-symbol)'));
});

test('without the index the fetch fails and says why, for good where asking again is no use', async () => {
  const timeout = new MarketError('http.timeout', 'no answer', { retryable: true });
  await assert.rejects(run({ '^I': timeout }).result, {
    code: 'fetch.index-missing',
    message: 'the index ^I could not be fetched: no answer (http.timeout)',
    retryable: true,
  });
  const unknown = new MarketError('yahoo.unknown-symbol', 'Yahoo knows no symbol ^I');
  await assert.rejects(run({ '^I': unknown }).result, { code: 'fetch.index-missing', retryable: false });
});

test('a defect of our own is not taken for a missing stock', async () => {
  await assert.rejects(run({ B: new TypeError('bug') }).result, { message: 'bug' });
});
