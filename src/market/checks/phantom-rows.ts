import type { Series } from '../bars.ts';
import type { DayVerdict } from './day-verdicts.ts';
import { findingsOf } from './finding.ts';
import type { FindingRow } from './finding.ts';
import { isFlatZero, sift } from './sift.ts';
import type { RuleResult } from './sift.ts';

/**
 * Rules `bar.phantom` and `calendar.disagrees`. On a closed or lost day rows without a trade are dropped (warn); a
 * traded row on a closed day is quarantined (error), on a lost day it stays. On a disputed day all rows stay (warn).
 */
export function dropPhantomRows(series: Series, verdicts: ReadonlyMap<string, DayVerdict>): RuleResult {
  const { symbol, dates } = series;
  const disputed: FindingRow[] = [];
  const flat = sift(series, (row) => {
    const verdict = verdicts.get(dates[row] ?? '');
    if (verdict === undefined || verdict === 'disputed' || !isFlatZero(series, row)) return undefined;
    return verdict === 'closed' ? 'no session, one price and volume 0' : 'no index, one price and volume 0';
  });
  const traded = sift(flat.kept, (row) => {
    return verdicts.get(flat.kept.dates[row] ?? '') === 'closed' ? 'a traded row, but no session' : undefined;
  });
  for (const date of traded.kept.dates) {
    if (verdicts.get(date) === 'disputed')
      disputed.push({ date, detail: 'most series traded, the calendar says closed' });
  }
  return {
    series: traded.kept,
    findings: [
      ...findingsOf({ rule: 'bar.phantom', severity: 'warn', symbol }, flat.removed),
      ...findingsOf({ rule: 'bar.phantom', severity: 'error', symbol }, traded.removed),
      ...findingsOf({ rule: 'calendar.disagrees', severity: 'warn', symbol }, disputed),
    ],
  };
}
