import type { Series } from '../bars.ts';
import { takeOut } from './sift.ts';
import type { RuleResult } from './sift.ts';

/** Rule `bar.future`: drops rows after the tick's date (info): the live row of a day still in progress. */
export function dropFutureRows(series: Series, tickDate: string): RuleResult {
  return takeOut(series, { rule: 'bar.future', severity: 'info' }, (row) =>
    (series.dates[row] ?? '') > tickDate ? `after ${tickDate}` : undefined,
  );
}
