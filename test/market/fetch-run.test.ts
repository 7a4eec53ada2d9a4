import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseFetchReport } from '../../src/market/reports/parse-fetch-report.ts';
import { createMarketRig, fetchTwoYears } from './market-rig.ts';
import { LIMITS, UNIVERSE } from './recorded-run.ts';
import type { TestContext } from 'node:test';
import type { ExchangeOptions } from '../../src/market/exchange/server.ts';
import type { FetchReport } from '../../src/market/fetch-report.ts';
import type { FetchOutputs } from '../../src/market/fetch-run.ts';

interface Setup extends ExchangeOptions {
  readonly currency?: string;
}

interface Run {
  readonly result: Promise<FetchOutputs>;
  readonly told: string[];
  readonly waits: readonly number[];
  readonly url: string;
}

/** Fetches two years up to 2026-03-17 from an exchange of its own. */
async function run(t: TestContext, setup: Setup = {}): Promise<Run> {
  const { currency = 'INR', ...options } = setup;
  const rig = await createMarketRig(t, { seed: 'fetch', ...options });
  const told: string[] = [];
  const result = fetchTwoYears(rig, '2026-03-17', {
    params: { ...LIMITS, currency },
    log: (message) => told.push(message),
  });
  return { result, told, waits: rig.waits, url: rig.url };
}

interface ChartBody {
  readonly chart: {
    readonly result: readonly {
      readonly timestamp: readonly number[];
      readonly indicators: {
        readonly quote: readonly Record<'open' | 'high' | 'low' | 'close' | 'volume', (number | null)[]>[];
        readonly adjclose: readonly { readonly adjclose: (number | null)[] }[];
      };
      readonly events?: {
        readonly dividends?: Record<string, { readonly date: number; readonly amount: number }>;
        readonly splits?: Record<
          string,
          { readonly date: number; readonly numerator: number; readonly denominator: number }
        >;
      };
    }[];
  };
}

/** The raw file that a chart answer means, worked out from its JSON alone. India has kept one offset for all these years. */
async function rawFileOf(url: string, symbol: string): Promise<string> {
  const day = (seconds: number): string => new Date((seconds + 19_800) * 1_000).toISOString().slice(0, 10);
  const from = Date.UTC(2024, 2, 17) / 1_000 - 19_800;
  const to = Date.UTC(2026, 2, 18) / 1_000 - 19_800;
  const query = `period1=${from}&period2=${to}&interval=1d&events=div%7Csplit`;
  const response = await fetch(`${url}/v8/finance/chart/${encodeURIComponent(symbol)}?${query}`);
  const [answer] = ((await response.json()) as ChartBody).chart.result;
  assert.ok(answer);
  const { timestamp, indicators, events = {} } = answer;
  const [quote] = indicators.quote;
  const dividends = new Map(
    Object.values(events.dividends ?? {}).map((event) => [day(event.date), event.amount]),
  );
  const splits = new Map(
    Object.values(events.splits ?? {}).map((event) => [day(event.date), event.numerator / event.denominator]),
  );
  const lines = timestamp.map((seconds, row) => {
    const cells = [
      quote?.open,
      quote?.high,
      quote?.low,
      quote?.close,
      indicators.adjclose[0]?.adjclose,
      quote?.volume,
    ];
    const date = day(seconds);
    return [
      date,
      ...cells.map((column) => column?.[row] ?? ''),
      dividends.get(date) ?? 0,
      splits.get(date) ?? 0,
    ].join(',');
  });
  return `Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits\n${lines.join('\n')}\n`;
}

test('every raw file is the chart answer of its symbol, row by row, with its dividends and splits', async (t) => {
  const { result, told, url } = await run(t);
  const { files } = await result;
  assert.deepEqual(told, []);
  assert.deepEqual([...files.keys()].sort(), [...UNIVERSE, '^BSESN'].map((symbol) => `${symbol}.csv`).sort());
  let events = 0;
  for (const symbol of [...UNIVERSE, '^BSESN']) {
    const text = files.get(`${symbol}.csv`);
    assert.equal(text, await rawFileOf(url, symbol), symbol);
    events += text?.split('\n').filter((line) => /^\d/.test(line) && !line.endsWith(',0,0')).length ?? 0;
  }
  assert.ok(events > 0, 'the world has dividends in these years');
  const index = files.get('^BSESN.csv')?.split('\n') ?? [];
  assert.equal(index[1]?.slice(0, 10), '2024-03-18', 'the period begins on a Sunday');
  assert.equal(index.at(-2)?.slice(0, 10), '2026-03-17');
});

test('the planted defects of the exchange are found in the report', async (t) => {
  const { result, url } = await run(t);
  const { findings } = parseFetchReport((await result).report);
  const facts = JSON.stringify(await (await fetch(`${url}/world/defects`)).json());
  const phantoms = findings.filter(({ rule }) => rule === 'bar.phantom');
  assert.equal(phantoms.length, 30);
  const [date] = new Set(phantoms.flatMap(({ rows }) => rows.map((row) => row.date)));
  assert.ok(date !== undefined && facts.includes(date));
  const halted = findings.filter(({ rule }) => rule === 'bar.flat-zero');
  assert.equal(halted.length, 1);
  assert.equal(halted[0]?.count, 3);
  for (const row of halted[0].rows) assert.ok(facts.includes(row.date), row.date);
});

test('on the live day the row of a day in progress, stamped at the close, is dated like any other', async (t) => {
  const { result, url } = await run(t, { liveDay: '2026-03-17' });
  const text = (await result).files.get('M&M.NS.csv') ?? '';
  assert.equal(text, await rawFileOf(url, 'M&M.NS'));
  assert.match(text, /\n2026-03-17,[^\n]*\n$/);
  assert.equal(text.match(/\n2026-03-17,/g)?.length, 1);
});

test('answers that are cut, busy or broken off leave no trace in the outs once they come', async (t) => {
  const calm = await (await run(t)).result;
  const { result, told, waits } = await run(t, {
    faults:
      '502*1@INFY.NS,cut*1@M&M.NS,429=3*1@ITC.NS,429*2@LT.NS,503*2@TCS.NS,reset*1@SBIN.NS,captcha*1@^BSESN',
  });
  const { files, report } = await result;
  assert.equal(report, calm.report);
  assert.deepEqual(files, calm.files);
  assert.deepEqual(told, []);
  // INFY, M&M, SBIN and the index once, LT and TCS twice, ITC as it wished.
  assert.deepEqual(
    waits.toSorted((a, b) => a - b),
    [2_000, 2_000, 2_000, 2_000, 2_000, 2_000, 3_000, 4_000, 4_000],
  );
});

test('a stock that stays away is reported with its code and the others are all there', async (t) => {
  const { result, told } = await run(t, { faults: '404@M&M.NS,503@INFY.NS,cut@ITC.NS,empty@LT.NS' });
  const { files, report } = await result;
  assert.equal(files.size, 27);
  assert.equal(files.has('M&M.NS.csv'), false);
  const { missing, stocks_successful, stocks_requested, success_rate, data_freshness } =
    parseFetchReport(report);
  assert.deepEqual(missing, [
    {
      symbol: 'INFY.NS',
      code: 'http.server-error',
      reason: 'https://query2.finance.yahoo.com/v8/finance/chart/INFY.NS answered with status 503',
    },
    { symbol: 'ITC.NS', code: 'yahoo.not-json', reason: "Yahoo's answer for ITC.NS is no complete JSON" },
    { symbol: 'LT.NS', code: 'yahoo.no-data', reason: 'Yahoo has no bars of LT.NS in this period' },
    { symbol: 'M&M.NS', code: 'yahoo.unknown-symbol', reason: 'Yahoo knows no symbol M&M.NS' },
  ]);
  assert.equal(told.length, 4);
  assert.equal(stocks_requested, 30);
  assert.equal(stocks_successful, 26);
  assert.equal(success_rate, 0.866667);
  assert.equal(data_freshness['M&M.NS'], null);
  assert.doesNotMatch(report, /127\.0\.0\.1|localhost/);
});

test('a price that cannot be and a stock with every fifth bar are told, reported, and lower the score', async (t) => {
  const calm = await (await run(t)).result;
  const dataDir = await mkdtemp(join(tmpdir(), 'raw-'));
  t.after(() => rm(dataDir, { recursive: true }));
  const edits: Record<string, (lines: readonly string[]) => readonly string[]> = {
    'ITC.NS.csv': (lines) =>
      lines.map((line) => {
        const [date, , , , , , ...rest] = line.split(',');
        return date === '2024-10-25' ? [date, ...Array<number>(5).fill(1.8e11), ...rest].join(',') : line;
      }),
    'TCS.NS.csv': (lines) => lines.filter((_, at) => at % 5 === 0),
  };
  for (const [name, text] of calm.files) {
    await writeFile(join(dataDir, name), edits[name]?.(text.split('\n')).join('\n') ?? text);
  }
  const { result, told } = await run(t, { dataDir });
  const { report, files } = await result;
  assert.ok(files.get('ITC.NS.csv')?.includes('\n2024-10-25,180000000000,'), 'raw files stay as they are');
  assert.equal(told.length, 2);
  assert.match(
    told[0] ?? '',
    /^ITC\.NS: 2024-10-25: adjusted open 180000000000, nearest closes \d+(\.\d+)? and \d+(\.\d+)? \(bar\.spike\)$/,
  );
  assert.match(
    told[1] ?? '',
    /^TCS\.NS: \d{4}-\d\d-\d\d: \d+ of \d+ bars come after a hole \(series\.sparse\)$/,
  );
  const [before, after] = [parseFetchReport(calm.report), parseFetchReport(report)];
  assert.deepEqual(
    after.missing.map(({ symbol, code }) => [symbol, code]),
    [['TCS.NS', 'series.sparse']],
  );
  const complete = (of: FetchReport, symbol: string): number => of.data_completeness[symbol] ?? NaN;
  const sessions = 1 / (complete(before, 'ITC.NS') - complete(after, 'ITC.NS'));
  assert.equal(Math.round(sessions), files.get('^BSESN.csv')?.trimEnd().split('\n').slice(1).length);
  // TCS counts for nothing; of ITC one row is missing, and is one wrong row of all.
  const lost = (complete(before, 'TCS.NS') + 2 / sessions) / 30;
  assert.ok(Math.abs(before.data_quality_score - after.data_quality_score - lost) < 1e-5);
});

test('an index that is dead, empty or in another currency fails the fetch', async (t) => {
  for (const [setup, message] of [
    [{ faults: '404@^BSESN' }, 'could not be fetched: Yahoo knows no symbol ^BSESN (yahoo.unknown-symbol)'],
    [
      { faults: 'empty@^BSESN' },
      'could not be fetched: Yahoo has no bars of ^BSESN in this period (yahoo.no-data)',
    ],
  ] as const) {
    const { result } = await run(t, setup);
    await assert.rejects(result, { code: 'fetch.index-missing', message: `the index ^BSESN ${message}` });
  }
  const { result } = await run(t, { currency: 'USD' });
  await assert.rejects(result, {
    code: 'fetch.index-missing',
    message: /^the index \^BSESN cannot be used: .*\(series\.unit\)$/,
  });
});
