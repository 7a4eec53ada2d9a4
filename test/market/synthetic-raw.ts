import { formatRawCsv, toSeries } from '../../src/market/bars.ts';
import type { Bar, Series } from '../../src/market/bars.ts';
import { sessionsBetween } from '../../src/base/session.ts';
import { calendarFor } from '../../src/market/calendar.ts';

/** Period of the made-up series: two years to a tick. */
export const SYNTHETIC_PERIOD: { readonly from: string; readonly to: string } = {
  from: '2024-01-16',
  to: '2026-01-16',
};

/** Index of the made-up series. */
export const SYNTHETIC_INDEX = '^IDX';

/** A generator of numbers in 0 … 1 (linear congruential, Numerical Recipes constants): the same on every run. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function walk(dates: readonly string[], seed: number, start: number): Bar[] {
  const random = createRandom(seed);
  let close = start;
  return dates.map((date) => {
    const open = close * (1 + 0.01 * (random() - 0.5));
    close = open * (1 + 0.03 * (random() - 0.5));
    return {
      date,
      open,
      high: Math.max(open, close) * (1 + 0.01 * random()),
      low: Math.min(open, close) * (1 - 0.01 * random()),
      close,
      volume: Math.floor(1e5 + 1e6 * random()),
    };
  });
}

/** Yahoo's way of telling events: prices before a split divided by it, the adjusted close also lowered before dividends. */
function withEvents(
  bars: readonly Bar[],
  splits: ReadonlyMap<string, number>,
  dividends: ReadonlyMap<string, number>,
): Bar[] {
  let split = 1;
  let paid = 1;
  const result: Bar[] = [];
  for (let row = bars.length - 1; row >= 0; row--) {
    const bar = bars[row];
    if (bar === undefined) continue;
    const scaled = (price: number | null): number => (price ?? NaN) / split;
    result.unshift({
      ...bar,
      open: scaled(bar.open),
      high: scaled(bar.high),
      low: scaled(bar.low),
      close: scaled(bar.close),
      adjClose: scaled(bar.close) * paid,
      volume: (bar.volume ?? 0) * split,
      split: splits.get(bar.date) ?? 0,
      dividend: dividends.get(bar.date) ?? 0,
    });
    const before = bars[row - 1]?.close ?? 1;
    paid *= 1 - (dividends.get(bar.date) ?? 0) / before;
    split *= splits.get(bar.date) ?? 1;
  }
  return result;
}

function edit(bars: readonly Bar[], edits: Readonly<Record<string, (bar: Bar) => readonly Bar[]>>): Bar[] {
  return bars.flatMap((bar) => edits[bar.date]?.(bar) ?? [bar]);
}

function flatten(bar: Bar): Bar {
  return { ...bar, open: bar.close, high: bar.close, low: bar.close, volume: 0 };
}

function scaled({ open, high, low, close }: Bar, factor: number): Partial<Bar> {
  const times = (price: number | null): number => (price ?? NaN) * factor;
  return { open: times(open), high: times(high), low: times(low), close: times(close) };
}

const NO_PRICE = { open: null, high: null, low: null, close: null, adjClose: null };

/**
 * Six stocks and an index with one of everything: splits, one of them after the tick, and dividends, a late listing, halts, empty and partial rows,
 * one of them without its adjusted close,
 * unsorted and repeated rows, impossible values and ranges, spikes, a holiday printed flat, a lone trade on another, a long hole,
 * a row after the tick, and a zero volume that leaves a volume change undefined.
 */
export function syntheticSeries(): Series[] {
  const dates = sessionsBetween(calendarFor('XBOM'), SYNTHETIC_PERIOD.from, SYNTHETIC_PERIOD.to)
    .filter(({ kind }) => kind === 'regular')
    .map(({ date }) => date);
  const events = withEvents(
    walk(dates, 1, 900),
    new Map([
      ['2024-09-16', 5],
      ['2025-08-01', 2],
    ]),
    new Map([
      ['2024-06-14', 12],
      ['2025-06-13', 9],
    ]),
  );
  const holiday: Bar = { date: '2026-01-15', open: 50, high: 50, low: 50, close: 50, volume: 0 };
  const traded: Bar = { ...holiday, high: 51, low: 49, volume: 400 };
  const index = walk(dates, 7, 70_000).map((bar) => ({ ...bar, volume: 0 }));
  return [
    toSeries('AAA', [
      ...edit(events, { '2025-03-20': (bar) => [{ ...bar, adjClose: null }] }),
      holiday,
      { ...NO_PRICE, date: '2026-02-02', volume: null, split: 4 },
    ]),
    toSeries('BBB', [...walk(dates, 2, 300).filter(({ date }) => date >= '2025-01-20'), holiday]),
    toSeries(
      'C&C',
      edit(walk(dates, 3, 120), {
        '2025-03-03': (bar) => [flatten(bar)],
        '2025-03-04': (bar) => [{ ...bar, ...NO_PRICE }],
        '2025-03-05': (bar) => [{ ...bar, high: null }],
        '2025-04-01': (bar) => [bar, { ...bar, ...NO_PRICE }],
        '2025-04-02': (bar) => [bar, bar],
        '2025-04-03': (bar) => [bar, { ...bar, close: bar.open, volume: 77 }],
        '2025-05-05': (bar) => [{ ...bar, low: -1 }],
        '2025-05-06': (bar) => [{ ...bar, volume: 10.5 }],
        '2025-05-07': (bar) => [{ ...bar, high: (bar.low ?? 0) * 0.99 }],
        '2025-05-08': (bar) => [{ ...bar, adjClose: -3e20 }],
        '2025-06-02': (bar) => [{ ...bar, volume: 0 }],
        '2025-06-03': (bar) => [{ ...bar, volume: null }],
      }).concat(holiday),
    ),
    toSeries(
      'DDD',
      [
        ...walk(dates, 4, 55).filter(({ date }) => date < '2025-07-01' || date > '2025-07-16'),
        traded,
      ].toReversed(),
    ),
    toSeries(
      'EEE',
      edit(walk(dates, 5, 2_000), {
        '2025-04-15': (bar) => [{ ...bar, ...scaled(bar, 1e6) }],
        '2025-05-14': (bar) => [{ ...bar, low: (bar.low ?? 0) / 30 }],
      }).concat({ ...traded, date: '2026-01-19' }, holiday),
    ),
    toSeries(
      SYNTHETIC_INDEX,
      edit(index, {
        '2025-02-03': () => [],
        '2025-02-04': (bar) => [{ ...bar, high: 1, low: 1 }],
        '2025-09-10': (bar) => [{ ...bar, ...scaled(bar, 100) }],
      }),
    ),
  ];
}

/** The same as texts of raw files. */
export function syntheticFiles(series: readonly Series[] = syntheticSeries()): Map<string, string> {
  return new Map(series.map((one) => [one.symbol, formatRawCsv(one)]));
}

/** Stock axis: the five stocks and one that has no file. */
export const SYNTHETIC_UNIVERSE: readonly string[] = ['DDD', 'AAA', 'FFF', 'C&C', 'BBB', 'EEE'];
