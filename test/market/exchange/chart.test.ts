import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import YahooFinance from 'yahoo-finance2';
import { createExchange } from '../../../src/market/exchange/server.ts';
import type { Exchange } from '../../../src/market/exchange/server.ts';
import type { WorldFacts } from '../../../src/market/exchange/book.ts';

let exchange: Exchange;
let facts: WorldFacts;

before(async () => {
  exchange = await createExchange();
  facts = (await (await fetch(`${exchange.url}/world/defects`)).json()) as WorldFacts;
});
after(async () => exchange.close());

/** The real client; only the origin of its requests is changed. */
function createClient(): InstanceType<typeof YahooFinance> {
  return new YahooFinance({
    fetch: async (input: Parameters<typeof fetch>[0], init?: RequestInit) => {
      const url = new URL(input instanceof Request ? input.url : input);
      return fetch(`${exchange.url}${url.pathname}${url.search}`, init);
    },
    versionCheck: false,
    suppressNotices: ['yahooSurvey'],
    validation: { logErrors: false, logOptionsErrors: false },
  });
}

const seconds = (text: string): number => Date.parse(text) / 1000;
const year = { period1: seconds('2025-01-01'), period2: seconds('2026-01-01'), interval: '1d' as const };

async function chartJson(path: string): Promise<{ status: number; body: { chart: Record<string, never> } }> {
  const response = await fetch(`${exchange.url}/v8/finance/chart/${path}`);
  return { status: response.status, body: (await response.json()) as { chart: Record<string, never> } };
}

test('the real client accepts the answer for every stock and the index', async () => {
  const client = createClient();
  const symbols = [...Object.keys(facts.index?.shares ?? {}), '^BSESN'];
  assert.equal(symbols.length, 31);
  for (const symbol of symbols) {
    const answer = await client.chart(symbol, { ...year, events: 'div|split' });
    assert.equal(answer.meta.symbol, symbol);
    assert.equal(answer.meta.currency, 'INR');
    assert.equal(answer.meta.exchangeTimezoneName, 'Asia/Kolkata');
    assert.equal(answer.meta.exchangeName, symbol === '^BSESN' ? 'BSE' : 'NSI');
    assert.equal(answer.meta.instrumentType, symbol === '^BSESN' ? 'INDEX' : 'EQUITY');
    assert.ok(answer.quotes.length >= 245, `${symbol} ${answer.quotes.length}`);
  }
});

test('the real client reads events where the list of actions has them', async () => {
  const client = createClient();
  const period = { period1: seconds('2019-01-01'), period2: seconds('2027-01-01'), interval: '1d' as const };
  for (const action of facts.actions.filter(({ kind }) => kind === 'split' || kind === 'bonus')) {
    assert.ok(action.kind === 'split' || action.kind === 'bonus');
    const { events } = await client.chart(action.symbol, { ...period, events: 'div|split' });
    const split = events?.splits?.find((event) => event.date.toISOString().startsWith(action.date));
    assert.deepEqual([split?.numerator, split?.denominator], [action.numerator, action.denominator]);
    assert.equal(
      events?.dividends?.length,
      facts.actions.filter(({ kind, symbol }) => kind === 'dividend' && symbol === action.symbol).length,
    );
  }
});

test('the real client passes on the row that is null in every cell', async () => {
  const defect = facts.defects.find(({ kind }) => kind === 'null-bar');
  const [symbol = ''] = defect?.symbols ?? [];
  const [date = ''] = defect?.dates ?? [];
  const day = { period1: seconds(date), period2: seconds(date) + 86_400, interval: '1d' as const };
  const { quotes } = await createClient().chart(symbol, day);
  assert.equal(quotes.length, 1);
  const { open, high, low, close, volume } = quotes[0] ?? assert.fail();
  assert.deepEqual([open, high, low, close, volume], [null, null, null, null, null]);
});

test('the real client reads a range without rows as no quotes', async () => {
  const weekend = { period1: seconds('2025-03-08'), period2: seconds('2025-03-09'), interval: '1d' as const };
  const answer = await createClient().chart('TCS.NS', weekend);
  assert.deepEqual(answer.quotes, []);
});

test('the real client calls an unknown symbol by its message', async () => {
  await assert.rejects(createClient().chart('NOPE.NS', year), {
    message: 'No data found, symbol may be delisted',
  });
});

test('rows begin at period1 and end before period2', async () => {
  const opening = seconds('2025-03-10T03:45:00Z');
  const next = seconds('2025-03-11T03:45:00Z');
  const timesOf = async (from: number, until: number): Promise<unknown> => {
    const { body } = await chartJson(`TCS.NS?period1=${from}&period2=${until}`);
    return (body.chart as unknown as { result: [{ timestamp?: number[] }] }).result[0].timestamp;
  };
  assert.deepEqual(await timesOf(opening, next), [opening]);
  assert.deepEqual(await timesOf(opening, next + 1), [opening, next]);
  assert.equal(await timesOf(opening + 1, next), undefined);
});

test('an empty range has the recorded shape: no timestamp, empty indicators', async () => {
  const { body } = await chartJson('TCS.NS?period1=1&period2=2');
  const [result] = (body.chart as unknown as { result: [Record<string, unknown>] }).result;
  assert.deepEqual(Object.keys(result), ['meta', 'indicators']);
  assert.deepEqual(result['indicators'], { quote: [{}], adjclose: [{}] });
});

test('the symbol is the decoded path segment, so an index and an ampersand are found either way', async () => {
  for (const path of ['%5EBSESN', '^BSESN', 'M&M.NS', 'M%26M.NS']) {
    assert.equal((await chartJson(`${path}?period1=1773700000&period2=1773800000`)).status, 200, path);
  }
});

test('bad queries are refused with the vendor’s error envelope', async () => {
  for (const query of ['period1=2&period2=1', 'period1=5&period2=5', 'period1=x', 'interval=1m']) {
    const { status, body } = await chartJson(`TCS.NS?${query}`);
    assert.equal(status, 400, query);
    const { result, error } = body.chart as unknown as { result: null; error: { code: string } };
    assert.equal(result, null);
    assert.equal(error.code, 'Bad Request');
  }
});

test('events come only when they are asked for', async () => {
  const split = facts.actions.find(({ kind }) => kind === 'split');
  const asked = async (events: string): Promise<unknown> => {
    const { body } = await chartJson(`${split?.symbol ?? ''}?period1=0&period2=1900000000${events}`);
    const [result] = (body.chart as unknown as { result: [{ events?: object }] }).result;
    return result.events === undefined ? undefined : Object.keys(result.events);
  };
  assert.equal(await asked(''), undefined);
  assert.deepEqual(await asked('&events=split'), ['splits']);
  assert.deepEqual(await asked('&events=div%7Csplit'), ['dividends', 'splits']);
});
