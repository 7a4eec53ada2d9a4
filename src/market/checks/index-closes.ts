import type { Series } from '../bars.ts';
import { byCodeUnit } from '../by-code-unit.ts';
import { isSpike, tellingRows } from './spikes.ts';

/** Closes of the index on its own sessions, ascending. */
export interface IndexCloses {
  readonly dates: readonly string[];
  readonly close: Float64Array;
}

/**
 * Dates on which the index has a positive close, from its rows as sent: a wrong high or an empty open does not take a
 * day off the axis. Of several rows of one date the later one with a close counts; `isClosed` dates and spikes are left out.
 */
export function indexCloses(raw: Series, isClosed: (date: string) => boolean): IndexCloses {
  const byDate = new Map<string, number>();
  for (const [row, date] of raw.dates.entries()) {
    const close = raw.close[row] ?? NaN;
    if (close > 0 && !isClosed(date)) byDate.set(date, close);
  }
  const sorted = [...byDate]
    .sort(([a], [b]) => byCodeUnit(a, b))
    .filter(([, close], row, all) => {
      const nearest = tellingRows(row, all.length).map((other) => all[other]?.[1] ?? NaN);
      return !isSpike(close, nearest);
    });
  return { dates: sorted.map(([date]) => date), close: Float64Array.from(sorted, ([, close]) => close) };
}

/** Return of the index by date, as a fraction; the first date has none. */
export function indexMoves({ dates, close }: IndexCloses): ReadonlyMap<string, number> {
  const moves = new Map<string, number>();
  for (const [row, date] of dates.entries()) {
    if (row > 0) moves.set(date, (close[row] ?? NaN) / (close[row - 1] ?? NaN) - 1);
  }
  return moves;
}
