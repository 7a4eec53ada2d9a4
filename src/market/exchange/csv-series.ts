import { sessionsBetween, zonedInstantMs } from '../../base/session.ts';
import { calendarFor } from '../calendar.ts';
import { venueOf } from './series.ts';
import type { ChartDividend, ChartRow, ChartSeries, ChartSplit } from './series.ts';

/** What a recorded file is read as; `liveDay` cuts what is later and stamps that day's row 16:00. */
export interface CsvSeriesOptions {
  readonly symbol: string;
  readonly liveDay?: string;
}

/**
 * A recorded file of daily bars as a chart series. Columns by name in any order (`Date` or `Price`, `Open`, `High`, `Low`, `Close`,
 * `Adj Close`, `Volume`, `Dividends`, `Stock Splits`), others ignored; without `Adj Close` it equals the close. Empty and `null` cells
 * are null; lines that do not begin with an ISO date (the second and third header of some exports) are passed over; a date with a
 * time of day keeps its own date. Rows are sorted by date, repeated dates stay. Throws an Error naming a missing column or bad cell.
 */
export function parseCsvSeries(text: string, { symbol, liveDay }: CsvSeriesOptions): ChartSeries {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const header = (lines[0] ?? '').split(',').map((name) => name.trim());
  const columnOf = (name: string): number => header.indexOf(name);
  const dateAt = Math.max(columnOf('Date'), columnOf('Price'));
  for (const name of ['Open', 'High', 'Low', 'Close', 'Volume']) {
    if (columnOf(name) === -1) throw new Error(`${symbol}.csv has no column "${name}"`);
  }
  if (dateAt === -1) throw new Error(`${symbol}.csv has no column "Date"`);

  const parsed: Omit<ChartRow, 'time'>[] = [];
  const actions: { date: string; dividend: number; split: number }[] = [];
  for (const [index, line] of lines.entries()) {
    const cells = line.split(',');
    const date = /^\d{4}-\d{2}-\d{2}/.exec(cells[dateAt] ?? '')?.[0];
    if (date === undefined || (liveDay !== undefined && date > liveDay)) continue;
    const read = (name: string): number | null => {
      const cell = (cells[columnOf(name)] ?? '').trim();
      if (cell === '' || cell === 'null') return null;
      const number = Number(cell);
      if (!Number.isFinite(number)) {
        throw new Error(`${symbol}.csv line ${index + 1}: "${cell}" in column "${name}" is not a number`);
      }
      return number;
    };
    const close = read('Close');
    parsed.push({
      date,
      open: read('Open'),
      high: read('High'),
      low: read('Low'),
      close,
      adjClose: columnOf('Adj Close') === -1 ? close : read('Adj Close'),
      volume: read('Volume'),
    });
    actions.push({ date, dividend: read('Dividends') ?? 0, split: read('Stock Splits') ?? 0 });
  }
  // Array sort is stable: repeated dates keep the order of the file.
  parsed.sort((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0));
  const timeOf = createStamp(symbol, parsed, liveDay);
  const dividends: ChartDividend[] = actions
    .filter(({ dividend }) => dividend !== 0)
    .map(({ date, dividend }) => ({ time: timeOf(date), date, amount: dividend }));
  const splits: ChartSplit[] = actions
    .filter(({ split }) => split !== 0)
    .map(({ date, split }) => ({ time: timeOf(date), date, ...toRatio(split) }));
  return {
    symbol,
    name: symbol,
    venue: venueOf(symbol),
    rows: parsed.map((row) => ({ time: timeOf(row.date), ...row })),
    dividends,
    splits,
  };
}

/** Epoch seconds of a date's row: the venue's usual opening, also on days that its calendar does not know. */
function createStamp(
  symbol: string,
  rows: readonly { readonly date: string }[],
  liveDay: string | undefined,
): (date: string) => number {
  const { mic, zone } = venueOf(symbol);
  const table = calendarFor(mic);
  const times = new Map<string, number>();
  const first = rows[0]?.date;
  const last = rows.at(-1)?.date;
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
