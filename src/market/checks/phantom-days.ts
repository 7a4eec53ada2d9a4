import type { Session, SessionTable } from '../../base/session.ts';
import type { Series } from '../bars.ts';
import { isFlatZero } from './bar-rules.ts';
import { findingsOf, sift } from './finding.ts';
import type { RuleResult } from './finding.ts';

/**
 * What the rows of one date are worth, judged over all series at once.
 * `closed`: no session that day. `lost`: the calendar has a session, but the index has no row and at least half of the
 * rows show no trade. `disputed`: the calendar says closed, yet at least half of the series traded. All other dates are
 * sessions and have no verdict.
 */
export type DayVerdict = 'closed' | 'lost' | 'disputed';

/** Whether the calendar is sure that a date has no session: its knowledge reaches there, and is more than memory. */
export function knownClosed(
  { knownFrom, knownThrough, holidays }: SessionTable,
  sessions: readonly Session[],
): (date: string) => boolean {
  const open = new Set(sessions.map(({ date }) => date));
  return (date) =>
    knownFrom <= date && date <= knownThrough && !open.has(date) && holidays.get(date) !== 'memory';
}

const LOST_DAY_MIN_STOCKS = 3;

/**
 * The verdict on a date, also on one that no series has a row of. The index counts as traded when its row is not flat, for
 * vendors print index volumes of 0.
 */
export function judgeDays(
  series: readonly Series[],
  indexSymbol: string,
  isKnownClosed: (date: string) => boolean,
): (date: string) => DayVerdict | undefined {
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
    if (isKnownClosed(date)) {
      verdicts.set(date, !mostlyFlat && 2 * day.traded >= series.length ? 'disputed' : 'closed');
    } else if (!day.index && day.rows >= LOST_DAY_MIN_STOCKS && mostlyFlat) {
      verdicts.set(date, 'lost');
    }
  }
  return (date) => verdicts.get(date) ?? (isKnownClosed(date) ? 'closed' : undefined);
}

/**
 * Rules `bar.phantom` and `calendar.disagrees`. On a closed or lost day rows without a trade are dropped (warn); a
 * traded row on a closed day is quarantined (error), on a lost day it stays. On a disputed day all rows stay (warn).
 */
export function dropPhantomRows(
  series: Series,
  verdictOf: (date: string) => DayVerdict | undefined,
): RuleResult {
  const { symbol } = series;
  const flat = sift(series, (row) => {
    const verdict = verdictOf(series.dates[row] ?? '');
    if (verdict === undefined || verdict === 'disputed' || !isFlatZero(series, row)) return undefined;
    return `no ${verdict === 'closed' ? 'session' : 'index'}, one price and volume 0`;
  });
  const traded = sift(flat.kept, (row) =>
    verdictOf(flat.kept.dates[row] ?? '') === 'closed' ? 'a traded row, but no session' : undefined,
  );
  const disputed = traded.kept.dates
    .filter((date) => verdictOf(date) === 'disputed')
    .map((date) => ({ date, detail: 'most series traded, the calendar says closed' }));
  return {
    series: traded.kept,
    findings: [
      ...findingsOf({ rule: 'bar.phantom', severity: 'warn', symbol }, flat.removed),
      ...findingsOf({ rule: 'bar.phantom', severity: 'error', symbol }, traded.removed),
      ...findingsOf({ rule: 'calendar.disagrees', severity: 'warn', symbol }, disputed),
    ],
  };
}
