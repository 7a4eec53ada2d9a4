import type { Series } from '../bars.ts';
import { findingsOf } from './finding.ts';
import { sift } from './sift.ts';
import type { RuleResult } from './sift.ts';

/** Rule `bar.future`: drops rows after the tick's date (info): the live row of a day still in progress. */
export function dropFutureRows(series: Series, tickDate: string): RuleResult {
  const { kept, removed } = sift(series, (row) => {
    return (series.dates[row] ?? '') > tickDate ? `after ${tickDate}` : undefined;
  });
  return {
    series: kept,
    findings: findingsOf({ rule: 'bar.future', severity: 'info', symbol: series.symbol }, removed),
  };
}
