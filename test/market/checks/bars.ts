import { toSeries } from '../../../src/market/bars.ts';
import type { Bar, RawCsv } from '../../../src/market/bars.ts';
import { calendarFor } from '../../../src/market/calendar.ts';
import { cleanAll } from '../../../src/market/checks/clean.ts';
import type { Cleaning, CleanOptions } from '../../../src/market/checks/clean.ts';
import { sessionsBetween } from '../../../src/base/session.ts';

/** Symbol of the index in these tests. */
export const INDEX = '^INDEX';

/** A sound bar around a close; any field can be replaced. */
export function bar(date: string, close: number, other: Partial<Bar> = {}): Bar {
  return { date, open: close, high: close + 1, low: close - 1, close, volume: 100, ...other };
}

/** A bar that says nothing was traded. */
export function flat(date: string, close: number): Bar {
  return { date, open: close, high: close, low: close, close, volume: 0 };
}

/** Regular Mumbai sessions, both ends included. */
export function sessionDates(from: string, to: string): string[] {
  return sessionsBetween(calendarFor('XBOM'), from, to)
    .filter(({ kind }) => kind === 'regular')
    .map(({ date }) => date);
}

/** Cleans series given as bars against the Mumbai calendar. */
export function clean(
  all: Readonly<Record<string, readonly Bar[]>>,
  options: Partial<CleanOptions> = {},
  unread: ReadonlyMap<string, RawCsv> = new Map(),
): Cleaning {
  const raw = new Map<string, RawCsv>([
    ...unread,
    ...Object.entries(all).map(
      ([symbol, bars]) => [symbol, { ok: true, series: toSeries(symbol, bars) }] as const,
    ),
  ]);
  return cleanAll(raw, {
    calendar: calendarFor('XBOM'),
    indexSymbol: INDEX,
    period: { from: '2026-01-05', to: '2026-01-30' },
    allowUnadjustedSplit: [],
    ...options,
  });
}

/** Findings as short lines: rule, severity, symbol and dates. */
export function lines({ findings }: Pick<Cleaning, 'findings'>, rule?: string): string[] {
  return findings
    .filter((one) => rule === undefined || one.rule === rule)
    .map((one) => `${one.rule} ${one.severity} ${one.symbol} ${one.rows.map(({ date }) => date).join(' ')}`);
}

/** Dates of the clean bars of a symbol. */
export function cleanDates(cleaning: Cleaning, symbol: string): readonly string[] {
  return cleaning.series.get(symbol)?.bars.dates ?? [];
}

/** The regular sessions of the period that `clean` takes when no other is named. */
export const DAYS: readonly string[] = sessionDates('2026-01-05', '2026-01-30');
/** Its last day. */
export const TICK = '2026-01-30';

/** A bar per session, closes from 100 upward by 1. */
export function steady(edit: (date: string, close: number) => Bar | readonly Bar[] = bar): Bar[] {
  return DAYS.flatMap((date, i) => edit(date, 100 + i));
}

/** Steady bars, with other fields on one day. */
export function on(day: string, other: Partial<Bar>): Bar[] {
  return steady((date, close) => bar(date, close, date === day ? other : {}));
}

/** The order of dates, for rows that were added behind. */
export function byDate(a: Bar, b: Bar): number {
  return Number(a.date > b.date) - Number(a.date < b.date);
}

/** The index in a month in which nothing happens. */
export const index: readonly Bar[] = steady((date, close) => bar(date, 80_000 + close, { volume: 0 }));
