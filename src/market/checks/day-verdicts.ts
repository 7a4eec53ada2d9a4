import type { Series } from '../bars.ts';
import { isFlatZero } from './sift.ts';

/**
 * What the rows of one date are worth, judged over all series at once.
 * `closed`: no session that day. `lost`: the calendar has a session, but the index has no row and at least half of the
 * rows show no trade. `disputed`: the calendar says closed, yet at least half of the series traded. All other dates are
 * sessions and have no verdict.
 */
export type DayVerdict = 'closed' | 'lost' | 'disputed';

/** The calendar's word on dates: its sessions, and where its knowledge begins and ends. */
export interface KnownSessions {
  readonly sessionDates: ReadonlySet<string>;
  readonly knownFrom: string;
  readonly knownThrough: string;
  /** Holidays known from memory alone: no bar is called wrong because of them. */
  readonly doubtedHolidays: ReadonlySet<string>;
}

/** Whether the calendar is sure that a date has no session. */
export function isKnownClosed(known: KnownSessions, date: string): boolean {
  if (date < known.knownFrom || date > known.knownThrough) return false;
  return !known.sessionDates.has(date) && !known.doubtedHolidays.has(date);
}

const LOST_DAY_MIN_STOCKS = 3;

/**
 * Verdict per date for dates that may be no sessions. The index counts as traded when its row is not flat, for
 * vendors print index volumes of 0.
 */
export function judgeDays(
  series: readonly Series[],
  indexSymbol: string,
  known: KnownSessions,
): ReadonlyMap<string, DayVerdict> {
  const days = new Map<string, { rows: number; flat: number; traded: number; index: boolean }>();
  for (const one of series) {
    const isIndex = one.symbol === indexSymbol;
    for (const [row, date] of one.dates.entries()) {
      const day = days.get(date) ?? { rows: 0, flat: 0, traded: 0, index: false };
      const flat = isFlatZero(one, row);
      const traded = isIndex ? !flat : (one.volume[row] ?? 0) > 0;
      day.rows += 1;
      day.flat += Number(flat);
      day.traded += Number(traded);
      day.index ||= isIndex;
      days.set(date, day);
    }
  }
  const verdicts = new Map<string, DayVerdict>();
  for (const [date, day] of days) {
    const mostlyFlat = 2 * day.flat >= day.rows;
    if (isKnownClosed(known, date)) {
      verdicts.set(date, !mostlyFlat && 2 * day.traded >= series.length ? 'disputed' : 'closed');
    } else if (!day.index && day.rows >= LOST_DAY_MIN_STOCKS && mostlyFlat) {
      verdicts.set(date, 'lost');
    }
  }
  return verdicts;
}
