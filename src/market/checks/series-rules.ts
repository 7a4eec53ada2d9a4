import type { Series } from '../bars.ts';
import { findingsOf } from './finding.ts';
import type { Finding, FindingRow } from './finding.ts';

const MOST_AFTER_HOLES = 0.25;

/**
 * Rule `series.sparse`: an error when more than a quarter of the bars come after a hole, at least one expected session without a bar
 * since the bar before. From bar to bar such a series moves by several sessions, so that it is no daily one.
 */
export function findSparse(series: Series, expected: readonly string[]): Finding[] {
  const { symbol, dates } = series;
  let afterHoles = 0;
  let next = 0;
  for (const [row, date] of dates.entries()) {
    const first = next;
    while ((expected[next] ?? date) < date) next += 1;
    if (row > 0 && next > first) afterHoles += 1;
    if (expected[next] === date) next += 1;
  }
  if (afterHoles <= MOST_AFTER_HOLES * dates.length) return [];
  return findingsOf({ rule: 'series.sparse', severity: 'error', symbol }, [
    { date: dates[0] ?? '', detail: `${afterHoles} of ${dates.length} bars come after a hole` },
  ]);
}

const REPEATS = 5;
const MAX_SESSIONS_BEHIND = 3;

/**
 * Rule `series.stale`: warns of each run of at least five equal closes with volume (its first date); an error when more
 * than three regular sessions up to the tick lie after the last row.
 */
export function findStale(series: Series, regularSessions: readonly string[]): Finding[] {
  const { dates, close, volume, symbol } = series;
  const runs: FindingRow[] = [];
  let start = 0;
  for (let row = 0; row <= dates.length; row++) {
    const goes = row > start && row < dates.length && close[row] === close[start] && (volume[row] ?? 0) > 0;
    if (goes) continue;
    if (row - start >= REPEATS && (volume[start] ?? 0) > 0) {
      runs.push({ date: dates[start] ?? '', detail: `${row - start} equal closes of ${close[start]}` });
    }
    start = row;
  }
  const last = dates.at(-1) ?? '';
  const behind = regularSessions.filter((date) => date > last).length;
  const late =
    behind > MAX_SESSIONS_BEHIND ? [{ date: last, detail: `${behind} sessions before the tick` }] : [];
  return [
    ...findingsOf({ rule: 'series.stale', severity: 'warn', symbol }, runs),
    ...findingsOf({ rule: 'series.stale', severity: 'error', symbol }, late),
  ];
}

const LATE_START_SESSIONS = 5;

/**
 * Rules `series.short` and `series.gap`. A history that begins more than five expected sessions into the period is short
 * (warn); expected sessions without a row are gaps (info), in a short history from its first row on.
 * The gaps of the index are named `index-gap`: those days are not on the axis of the feature maps.
 */
export function findGaps(series: Series, expected: readonly string[], isIndex: boolean): Finding[] {
  const { symbol, dates } = series;
  const first = dates[0];
  if (first === undefined) return [];
  const before = expected.filter((date) => date < first);
  const short = before.length > LATE_START_SESSIONS;
  const present = new Set(dates);
  const gaps = expected.filter((date) => !present.has(date) && !(short && date < first));
  return [
    ...findingsOf(
      { rule: 'series.short', severity: 'warn', symbol },
      short ? [{ date: first, detail: `first row, ${before.length} sessions into the period` }] : [],
    ),
    ...findingsOf(
      { rule: isIndex ? 'index-gap' : 'series.gap', severity: 'info', symbol },
      gaps.map((date) => ({ date, detail: 'no usable row' })),
    ),
  ];
}
