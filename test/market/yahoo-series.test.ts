import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRawCsv, RAW_CSV_HEADER } from '../../src/market/bars.ts';
import { createLocalDates, toChartSeries } from '../../src/market/yahoo/chart-series.ts';
import type { ChartAnswer } from '../../src/market/yahoo/chart-series.ts';

const at = (date: string, time = '03:45'): Date => new Date(`${date}T${time}:00Z`);
const quote = (date: Date): ChartAnswer['quotes'][number] => ({
  date,
  open: 10,
  high: 12,
  low: 9,
  close: 11,
  volume: 100,
  adjclose: 10.5,
});
const meta = { currency: 'INR', exchangeTimezoneName: 'Asia/Kolkata', firstTradeDate: null };
const options = {
  symbol: 'X.NS',
  period: { from: '2026-03-01', to: '2026-03-31', zone: 'Asia/Kolkata' },
  localDateOf: createLocalDates(),
};

test('an event of a day without a bar stands on the next bar, and several of one bar are taken together', () => {
  const answer: ChartAnswer = {
    meta,
    quotes: [quote(at('2026-03-02')), quote(at('2026-03-05')), quote(at('2026-03-06'))],
    events: {
      dividends: [
        { date: at('2026-03-03'), amount: 1.5 },
        { date: at('2026-03-05'), amount: 2 },
      ],
      splits: [
        { date: at('2026-03-04'), numerator: 2, denominator: 1 },
        { date: at('2026-03-05'), numerator: 5, denominator: 1 },
      ],
    },
  };
  const { series, firstTradeDate } = toChartSeries(answer, options);
  assert.deepEqual([...series.dividend], [0, 3.5, 0]);
  assert.deepEqual([...series.split], [0, 10, 0]);
  assert.equal(firstTradeDate, undefined);
});

test('events before the period and after the last row change nothing', () => {
  const { series } = toChartSeries(
    {
      meta,
      quotes: [quote(at('2026-03-02'))],
      events: {
        dividends: [
          { date: at('2026-02-27'), amount: 1 },
          { date: at('2026-03-09'), amount: 1 },
        ],
      },
    },
    options,
  );
  assert.deepEqual([...series.dividend], [0]);
});

test('a split after the period, whose prices are divided by it, has a row of its own without prices', () => {
  const answer: ChartAnswer = {
    meta,
    quotes: ['2026-03-30', '2026-04-01', '2026-04-03', '2026-04-06'].map((date) => quote(at(date))),
    events: {
      dividends: [{ date: at('2026-04-01'), amount: 2 }],
      splits: [
        // The 31st has no row: the split shows in the next one, which is outside the period.
        { date: at('2026-03-31'), numerator: 5, denominator: 1 },
        { date: at('2026-04-06'), numerator: 1, denominator: 2 },
        { date: at('2026-04-07'), numerator: 3, denominator: 1 },
      ],
    },
  };
  const { series } = toChartSeries(answer, options);
  assert.equal(
    formatRawCsv(series).slice(RAW_CSV_HEADER.length + 1),
    '2026-03-30,10,12,9,11,10.5,100,0,0\n2026-04-01,,,,,,,0,5\n2026-04-06,,,,,,,0,0.5\n',
  );
  const late = { ...answer, quotes: answer.quotes.slice(1) };
  assert.deepEqual(toChartSeries(late, options).series.dates, [], 'no bar, nothing to divide');
});

test('a live row of the newest day is kept beside the daily one, each with the event of the day', () => {
  const { series } = toChartSeries(
    {
      meta,
      quotes: [quote(at('2026-03-02')), quote(at('2026-03-02', '10:30'))],
      events: { dividends: [{ date: at('2026-03-02'), amount: 4 }] },
    },
    options,
  );
  assert.deepEqual([...series.dates], ['2026-03-02', '2026-03-02']);
  assert.deepEqual([...series.dividend], [4, 4]);
});

test('a row is dated in the zone of the exchange: late in the evening UTC it is the next day in India', () => {
  const { series } = toChartSeries(
    { meta, quotes: [quote(at('2026-02-28', '18:30')), quote(at('2026-03-31', '18:30'))] },
    options,
  );
  assert.deepEqual([...series.dates], ['2026-03-01']);
});

test('an absent adjusted close is empty, as are nulls', () => {
  const { adjclose: _, ...plain } = quote(at('2026-03-02'));
  const { series } = toChartSeries({ meta, quotes: [{ ...plain, volume: null }] }, options);
  assert.ok(Number.isNaN(series.adjClose[0]));
  assert.ok(Number.isNaN(series.volume[0]));
  assert.equal(series.close[0], 11);
});
