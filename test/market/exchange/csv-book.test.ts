import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseCsvSeries } from '../../../src/market/exchange/csv-book.ts';
import { createExchange } from '../../../src/market/exchange/server.ts';
import { recorded, recordedPath } from '../recorded.ts';

const ms = (text: string): number => Date.parse(text) / 1000;

test('columns are found by name in any order and the adjusted close defaults to the close', () => {
  const text = 'Note,Close,Volume,Open,Low,High,Date\nx,4,100.0,1,0.5,5,2024-01-02\n';
  assert.deepEqual(parseCsvSeries(text, 'M&M.NS').rows, [
    {
      time: ms('2024-01-02T03:45:00Z'),
      date: '2024-01-02',
      open: 1,
      high: 5,
      low: 0.5,
      close: 4,
      adjClose: 4,
      volume: 100,
    },
  ]);
});

test('empty and null cells are null, not zero', () => {
  const text =
    'Date,Open,High,Low,Close,Adj Close,Volume\n2024-01-02,null,null,null,null,null,null\n2024-01-03,,,,,,7\n';
  const { rows } = parseCsvSeries(text, 'A.NS');
  assert.deepEqual(
    rows.map(({ open, close, adjClose, volume }) => [open, close, adjClose, volume]),
    [
      [null, null, null, null],
      [null, null, null, 7],
    ],
  );
});

test('a byte order mark, Windows line ends and three header lines do not matter', () => {
  const text =
    '\uFEFFPrice,Close,High,Low,Open,Volume\r\nTicker,T,T,T,T,T\r\nDate,,,,,\r\n2024-01-02,4,5,1,2,9\r\n';
  const { rows } = parseCsvSeries(text, 'T.NS');
  assert.equal(rows.length, 1);
  assert.equal(rows[0]?.close, 4);
});

test('a date with a time keeps its own date; dividends and splits become events', () => {
  const text = [
    'Date,Open,High,Low,Close,Volume,Dividends,Stock Splits',
    '2024-01-02 00:00:00+05:30,1,1,1,1,1,2.5,0.0',
    '2024-01-03 00:00:00+05:30,1,1,1,1,1,0.0,1.5',
  ].join('\n');
  const { rows, dividends, splits } = parseCsvSeries(text, 'A.NS');
  assert.deepEqual(
    rows.map((row) => row.date),
    ['2024-01-02', '2024-01-03'],
  );
  assert.deepEqual(dividends, [{ time: ms('2024-01-02T03:45:00Z'), date: '2024-01-02', amount: 2.5 }]);
  assert.deepEqual(splits, [
    { time: ms('2024-01-03T03:45:00Z'), date: '2024-01-03', numerator: 3, denominator: 2 },
  ]);
});

test('rows are sorted, a repeated date stays twice in the order of the file', () => {
  const text =
    'Date,Open,High,Low,Close,Volume\n2024-01-03,3,3,3,3,3\n2024-01-02,1,1,1,1,1\n2024-01-03,4,4,4,4,4\n';
  const { rows } = parseCsvSeries(text, 'A.NS');
  assert.deepEqual(
    rows.map((row) => row.close),
    [1, 3, 4],
  );
});

test('American symbols open at half past nine in New York, on both sides of the change of clocks', () => {
  const text =
    'Date,Open,High,Low,Close,Volume\n2024-03-08,1,1,1,1,1\n2024-03-11,1,1,1,1,1\n2024-03-09,1,1,1,1,1\n';
  const { rows, venue } = parseCsvSeries(text, 'AAPL');
  assert.equal(venue.currency, 'USD');
  assert.deepEqual(
    rows.map((row) => row.time),
    [ms('2024-03-08T14:30:00Z'), ms('2024-03-09T14:30:00Z'), ms('2024-03-11T13:30:00Z')],
  );
});

test('the live day ends the series and is stamped 16:00', () => {
  const text =
    'Date,Open,High,Low,Close,Volume\n2024-01-02,1,1,1,1,1\n2024-01-03,1,1,1,1,1\n2024-01-04,1,1,1,1,1\n';
  const { rows } = parseCsvSeries(text, 'A.NS', '2024-01-03');
  assert.deepEqual(
    rows.map((row) => row.time),
    [ms('2024-01-02T03:45:00Z'), ms('2024-01-03T10:30:00Z')],
  );
});

test('headers in any letter case and cells of NaN are read as in a raw file', () => {
  const text = 'date,open,high,low,close,volume\n2024-01-02,NaN,NaN,NaN,NaN,0\n';
  assert.deepEqual(
    parseCsvSeries(text, 'A.NS').rows.map(({ open, close, adjClose, volume }) => [
      open,
      close,
      adjClose,
      volume,
    ]),
    [[null, null, null, 0]],
  );
});

test('a file that no pipeline could read is refused with its line, not served in part', () => {
  const header = 'Date,Open,High,Low,Close,Volume';
  for (const [text, message] of [
    [`${header}\n01/02/2020,1,1,1,1,1\n`, 'A.NS.csv line 2: "01/02/2020" is no date'],
    [`${header}\n2024-01-02,1,1,1,1,1\n2024-01-03,1,1,1,0x10,1\n`, 'A.NS.csv line 3: "0x10" is no number'],
    ['Date,Open,High,Low,Close\n', 'A.NS.csv line 1: column "volume" is missing'],
  ] as const) {
    assert.throws(() => parseCsvSeries(text, 'A.NS'), { message });
  }
});

test('a file that cannot be read fails the request for it and takes no member off the lists', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'exchange-'));
  const header = 'Date,Open,High,Low,Close,Volume';
  writeFileSync(join(folder, 'ITC.NS.csv'), `${header}\n2024-01-02,abc,1,1,1,1\n`);
  writeFileSync(join(folder, 'INFY.NS.csv'), `${header}\n2024-01-02,1,1,1,7.5,1\n`);
  const exchange = await createExchange({ dataDir: folder });
  try {
    const chart = await fetch(`${exchange.url}/v8/finance/chart/ITC.NS`);
    assert.deepEqual([chart.status, await chart.text()], [500, 'ITC.NS.csv line 2: "abc" is no number\n']);
    const list = await fetch(`${exchange.url}/bseindices/AsiaIndexAPI/api/Codewise_Indices/w?code=16`);
    assert.equal(((await list.json()) as { Table: unknown[] }).Table.length, 30);
    const page = await (
      await fetch(`${exchange.url}/moneycontrol/markets/indian-indices/bse-sensex-4.html`)
    ).text();
    assert.ok(page.includes('7.50'));
  } finally {
    await exchange.close();
    rmSync(folder, { recursive: true });
  }
});

test('recorded files are served row by row as they are', recorded, async () => {
  const folder = recordedPath('nse_daily', 'yf_flat');
  const exchange = await createExchange({ dataDir: folder });
  try {
    for (const symbol of ['M&M.NS', '^BSESN']) {
      const url = `${exchange.url}/v8/finance/chart/${encodeURIComponent(symbol)}`;
      const body = (await (await fetch(url)).json()) as {
        chart: { result: [{ timestamp: number[]; indicators: { quote: [{ close: number[] }] } }] };
      };
      const [header = '', ...lines] = readFileSync(join(folder, `${symbol}.csv`), 'utf8')
        .trim()
        .split('\n');
      const at = header.split(',').indexOf('Close');
      const [{ timestamp, indicators }] = body.chart.result;
      assert.deepEqual(
        indicators.quote[0].close,
        lines.map((line) => Number(line.split(',')[at])),
      );
      assert.deepEqual(
        // 09:15 in India is 03:45 of the same date in UTC.
        timestamp.map((time) => new Date(time * 1000).toISOString()),
        lines.map((line) => `${line.slice(0, 10)}T03:45:00.000Z`),
      );
    }
    assert.equal((await fetch(`${exchange.url}/v8/finance/chart/ETERNAL.NS`)).status, 404);
    const bse = await fetch(`${exchange.url}/bseindices/AsiaIndexAPI/api/Codewise_Indices/w?code=16`);
    assert.equal(((await bse.json()) as { Table: unknown[] }).Table.length, 30);
    assert.deepEqual(
      ((await (await fetch(`${exchange.url}/world/defects`)).json()) as { defects: unknown[] }).defects,
      [],
    );
  } finally {
    await exchange.close();
  }
});

test(
  'the other recorded shapes are served too: three header lines, dates with a zone, rows of null',
  recorded,
  async () => {
    for (const folder of [
      'nse_daily/yf_multiheader',
      'nse_daily/yf_tz_actions',
      'nse_daily/yahoo_web_null',
    ]) {
      const exchange = await createExchange({ dataDir: recordedPath(folder) });
      try {
        const symbol = folder.endsWith('null') ? '%5EBSESN' : 'RELIANCE.NS';
        const response = await fetch(
          `${exchange.url}/v8/finance/chart/${symbol}?period1=0&period2=2000000000&events=div|split`,
        );
        const text = await response.text();
        assert.equal(response.status, 200, `${folder} ${text.slice(0, 200)}`);
        // The split of RELIANCE on 2024-10-28 is recorded as an action in one of the folders.
        assert.equal(text.includes('"splitRatio":"2:1"'), folder.endsWith('actions'));
      } finally {
        await exchange.close();
      }
    }
  },
);
