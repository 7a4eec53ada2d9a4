import type { Series } from '../bars.ts';
import { findingsOf } from './finding.ts';
import type { Finding, FindingRow } from './finding.ts';

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
