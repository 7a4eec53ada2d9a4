import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';
import { adjustmentFactors, formatRawCsv, parseRawCsv, selectRows, toSeries } from '../../src/market/bars.ts';
import { recorded, recordedPath } from './recorded.ts';
import type { Series } from '../../src/market/bars.ts';

function parsed(text: string): Series {
  const result = parseRawCsv('X', text);
  assert.ok(result.ok, result.ok ? '' : `line ${result.line}: ${result.detail}`);
  return result.series;
}

const TEXT = `Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits
2026-03-16,100.1,101.30000000000001,99,100.5,50.25,1200,0,0
2026-03-17,,,,,,800,2.5,0
2026-03-18,1e-7,2e+21,0.1,0.30000000000000004,,0,0,1.5
`;

test('a raw file is written byte for byte as it was read', () => {
  assert.equal(formatRawCsv(parsed(TEXT)), TEXT);
});

test('bars become a raw file with empty cells for null and zeros for events that did not happen', () => {
  const series = toSeries('X', [
    { date: '2026-03-16', open: 1, high: 2, low: 0.5, close: 1.5, volume: 10 },
    {
      date: '2026-03-17',
      open: null,
      high: null,
      low: null,
      close: null,
      volume: null,
      dividend: 3,
      split: 2,
    },
  ]);
  assert.equal(
    formatRawCsv(series),
    'Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits\n' +
      '2026-03-16,1,2,0.5,1.5,,10,0,0\n2026-03-17,,,,,,,3,2\n',
  );
});

test('columns are found by name in any order and letter case, with a BOM, CRLF, spaces and unknown columns', () => {
  const series = parsed('\uFEFFvolume, Close,HIGH,note,low,open,Date\r\n7,3,4,x,1,2,2026-03-16\r\n\r\n');
  assert.deepEqual(series.dates, ['2026-03-16']);
  const row = [series.open, series.high, series.low, series.close, series.volume].map((column) => column[0]);
  assert.deepEqual(row, [2, 4, 1, 3, 7]);
  assert.ok(Number.isNaN(series.adjClose[0]));
  assert.deepEqual([series.dividend[0], series.split[0]], [0, 0]);
});

test('null, NaN and blank cells are missing values', () => {
  const series = parsed('Date,Open,High,Low,Close,Volume\n2026-03-16,null,NaN,,None,5\n');
  assert.ok([series.open, series.high, series.low, series.close].every((column) => Number.isNaN(column[0])));
});

test('a date with a time zone counts as its local date', () => {
  const series = parsed('Date,Open,High,Low,Close,Volume\n2022-01-03 00:00:00+05:30,1,1,1,1,1\n');
  assert.deepEqual(series.dates, ['2022-01-03']);
});

test('what cannot be read is refused with its line and reason', () => {
  const cases: [string, number, string][] = [
    ['', 1, 'column "Date" is missing'],
    ['Date,Open,High,Low,Close\n', 1, 'column "volume" is missing'],
    ['Date,Open,High,Low,Close,Close,Volume\n', 1, 'column "close" is there twice'],
    ['Date,Open,High,Low,Close,Volume\n2025-02-30,1,1,1,1,1\n', 2, '"2025-02-30" is no date'],
    ['Date,Open,High,Low,Close,Volume\n2025-02-03,1,1,1,1,1\n2025-02-04,1,1,x,1,1\n', 3, '"x" is no number'],
    ['Date,Open,High,Low,Close,Volume\n2025-02-03,1,1,Infinity,1,1\n', 2, '"Infinity" is no number'],
  ];
  for (const [text, line, detail] of cases) {
    assert.deepEqual(parseRawCsv('X', text), { ok: false, line, detail });
  }
});

test('an adjustment factor is 1 where the adjusted close or the close is empty or the close is 0', () => {
  const series = toSeries('X', [
    { date: '2026-03-16', open: 1, high: 1, low: 1, close: 8, adjClose: 2, volume: 1 },
    { date: '2026-03-17', open: 1, high: 1, low: 1, close: 8, volume: 1 },
    { date: '2026-03-18', open: 1, high: 1, low: 1, close: 0, adjClose: 2, volume: 1 },
    { date: '2026-03-19', open: 1, high: 1, low: 1, close: null, adjClose: 2, volume: 1 },
  ]);
  assert.deepEqual([...adjustmentFactors(series)], [0.25, 1, 1, 1]);
});

test('chosen rows keep every column together', () => {
  const series = selectRows(parsed(TEXT), [2, 0]);
  assert.deepEqual(series.dates, ['2026-03-18', '2026-03-16']);
  assert.deepEqual(
    [series.close[0], series.split[0], series.close[1], series.adjClose[1]],
    [0.30000000000000004, 1.5, 100.5, 50.25],
  );
});

test('recorded files of every vendor shape are read in full and survive a round trip', recorded, async () => {
  const files: [string, number, string, string][] = [
    ['yf_flat/TCS.NS.csv', 627, '2023-09-01', '2026-03-17'],
    ['yf_flat/^BSESN.csv', 624, '2023-09-01', '2026-03-17'],
    ['yf_multiheader/M&M.NS.csv', 567, '2024-01-01', '2026-04-20'],
    ['yf_tz_actions/RELIANCE.NS.csv', 739, '2022-01-03', '2024-12-31'],
    ['yahoo_web_null/^BSESN.csv', 5043, '2001-01-02', '2021-03-05'],
  ];
  for (const [name, rows, first, last] of files) {
    const series = parsed(await readFile(recordedPath('nse_daily', name), 'utf8'));
    assert.deepEqual([series.dates.length, series.dates[0], series.dates.at(-1)], [rows, first, last], name);
    assert.deepEqual(parsed(formatRawCsv(series)), series, name);
  }
});

test('recorded events stand on their ex-dates', recorded, async () => {
  const text = await readFile(recordedPath('nse_daily/yf_tz_actions/RELIANCE.NS.csv'), 'utf8');
  const series = parsed(text);
  const paid = series.dates.filter((_, row) => series.dividend[row] !== 0);
  assert.deepEqual(paid, ['2022-08-18', '2023-08-21', '2024-08-19']);
  assert.equal(series.split[series.dates.indexOf('2024-10-28')], 2);
});
