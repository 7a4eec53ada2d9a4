import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sessionsBetween, zonedInstantMs } from '../../base/session.ts';
import { parseRawCsv, selectRows } from '../bars.ts';
import { byCodeUnit } from '../by-code-unit.ts';
import { calendarFor } from '../calendar.ts';
import { venueOf } from './series.ts';
import type { Series } from '../bars.ts';
import type { ChartBook } from './book.ts';
import type { ChartDividend, ChartRow, ChartSeries, ChartSplit } from './series.ts';

/** Where recorded files are and which day is today for them. */
export interface CsvBookOptions {
  readonly folder: string;
  readonly liveDay?: string | undefined;
}

/**
 * A folder of `<SYMBOL>.csv` as a book. The folder is listed once, at the start, and only the files listed are ever opened, so a
 * symbol cannot name a path. Throws when the folder cannot be read or holds none; a file that cannot be parsed fails the request for it.
 */
export async function createCsvBook({ folder, liveDay }: CsvBookOptions): Promise<ChartBook> {
  const found = await readdir(folder).catch((cause: unknown) => {
    throw new Error(`folder "${folder}" cannot be read`, { cause });
  });
  const names = new Set(found.filter((name) => name.endsWith('.csv')));
  if (names.size === 0) throw new Error(`folder "${folder}" holds no .csv file`);
  const made = new Map<string, ChartSeries>();
  return {
    async series(symbol) {
      const name = `${symbol}.csv`;
      const known = made.get(symbol);
      if (known !== undefined || !names.has(name)) return known;
      const text = await readFile(join(folder, name), 'utf8');
      const series = parseCsvSeries(text, symbol, liveDay);
      made.set(symbol, series);
      return series;
    },
    facts: () => ({
      mode: 'data',
      seed: null,
      live_day: liveDay ?? null,
      from: null,
      through: null,
      defects: [],
      actions: [],
      index: null,
    }),
  };
}

/**
 * A recorded file of daily bars, as `parseRawCsv` reads it, as a chart series; without adjusted closes they equal the closes. Rows are
 * sorted by date, repeated dates stay; `liveDay` cuts what is later and stamps that day's row 16:00. Throws an Error naming the line of a file that cannot be read.
 */
export function parseCsvSeries(text: string, symbol: string, liveDay?: string): ChartSeries {
  const parsed = parseRawCsv(symbol, text);
  if (!parsed.ok) throw new Error(`${symbol}.csv line ${parsed.line}: ${parsed.detail}`);
  const series = toShownRows(parsed.series, liveDay);
  const timeOf = createStamp(series, liveDay);
  const adjusted = series.adjClose.every(Number.isNaN) ? series.close : series.adjClose;
  const rows: ChartRow[] = [];
  const dividends: ChartDividend[] = [];
  const splits: ChartSplit[] = [];
  for (const [row, date] of series.dates.entries()) {
    const cell = (column: Float64Array): number | null => {
      const value = column[row] ?? NaN;
      return Number.isNaN(value) ? null : value;
    };
    const time = timeOf(date);
    rows.push({
      time,
      date,
      open: cell(series.open),
      high: cell(series.high),
      low: cell(series.low),
      close: cell(series.close),
      adjClose: cell(adjusted),
      volume: cell(series.volume),
    });
    const [dividend, split] = [series.dividend[row] ?? 0, series.split[row] ?? 0];
    if (dividend !== 0) dividends.push({ time, date, amount: dividend });
    if (split !== 0) splits.push({ time, date, ...toRatio(split) });
  }
  return { symbol, name: symbol, venue: venueOf(symbol), rows, dividends, splits };
}

/** The rows up to the live day, by date; the sort is stable, so repeated dates keep the order of the file. */
function toShownRows(series: Series, liveDay = '9999-12-31'): Series {
  const { dates } = series;
  const dateOf = (row: number): string => dates[row] ?? '';
  const rows = [...dates.keys()].filter((row) => dateOf(row) <= liveDay);
  rows.sort((a, b) => byCodeUnit(dateOf(a), dateOf(b)));
  return selectRows(series, rows);
}

/** Epoch seconds of a date's row: the venue's usual opening, also on days that its calendar does not know. */
function createStamp({ symbol, dates }: Series, liveDay: string | undefined): (date: string) => number {
  const { mic, zone } = venueOf(symbol);
  const table = calendarFor(mic);
  const times = new Map<string, number>();
  const first = dates[0];
  const last = dates.at(-1);
  if (first !== undefined && last !== undefined) {
    for (const { date, openMs } of sessionsBetween({ ...table, sessions: new Map() }, first, last)) {
      times.set(date, openMs / 1000);
    }
  }
  if (liveDay !== undefined) times.set(liveDay, zonedInstantMs(liveDay, '16:00', zone) / 1000);
  return (date) => {
    const time = times.get(date) ?? zonedInstantMs(date, table.open, zone) / 1000;
    times.set(date, time);
    return time;
  };
}

/** `2` → 2:1, `0.5` → 1:2, `1.5` → 3:2: the smallest denominator up to 100 that gives the number. */
function toRatio(split: number): { numerator: number; denominator: number } {
  for (let denominator = 1; denominator <= 100; denominator += 1) {
    const numerator = Math.round(split * denominator);
    if (numerator > 0 && numerator / denominator === split) return { numerator, denominator };
  }
  return { numerator: split, denominator: 1 };
}
