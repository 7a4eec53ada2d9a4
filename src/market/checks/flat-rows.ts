import type { Series } from '../bars.ts';
import { isFlatZero, takeOut } from './sift.ts';
import type { RuleResult } from './sift.ts';

/**
 * Rule `bar.flat-zero`: quarantines rows of a session with one price and volume 0: a halt, or a day the vendor lost
 * (warn). Not for an index, whose volume means nothing.
 */
export function quarantineFlatRows(series: Series): RuleResult {
  return takeOut(series, { rule: 'bar.flat-zero', severity: 'warn' }, (row) =>
    isFlatZero(series, row) ? `one price ${series.close[row]}, volume 0` : undefined,
  );
}
