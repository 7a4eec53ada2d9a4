import type { Series } from '../bars.ts';
import { barAt, takeOut } from './sift.ts';
import type { RuleResult } from './sift.ts';

/** Vendors round adjusted prices one by one, so a high may lie this much (relative) under its own close. */
const ROUNDING = 1e-6;

/** Rule `bar.ohlc`: quarantines rows whose open or close lies outside low … high, or whose high is under the low (error). */
export function quarantineImpossibleRange(series: Series): RuleResult {
  return takeOut(series, { rule: 'bar.ohlc', severity: 'error' }, (row) => {
    const { open, high, low, close } = barAt(series, row);
    const bad =
      high < Math.max(open, close) * (1 - ROUNDING) ||
      low > Math.min(open, close) * (1 + ROUNDING) ||
      high < low;
    return bad ? `open ${open}, high ${high}, low ${low}, close ${close}` : undefined;
  });
}
