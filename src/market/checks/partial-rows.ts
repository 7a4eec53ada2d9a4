import type { Series } from '../bars.ts';
import { findingsOf } from './finding.ts';
import type { FindingRow } from './finding.ts';
import { barAt, sift } from './sift.ts';
import type { RuleResult } from './sift.ts';

/**
 * Rule `bar.partial`: quarantines rows with some but not all of the four prices, and without an adjusted close where most
 * rows of the series have one (error); where only the volume is empty it becomes 0 (warn).
 */
export function quarantinePartialRows(series: Series): RuleResult {
  const { symbol, adjClose } = series;
  // Its prices would stand unadjusted among adjusted ones: a jump there and one back that nobody traded.
  const isAdjusted = 2 * adjClose.filter((price) => !Number.isNaN(price)).length > adjClose.length;
  const { kept, removed } = sift(series, (row) => {
    const { open, high, low, close } = barAt(series, row);
    const needed = { open, high, low, close, ...(isAdjusted && { 'adjusted close': adjClose[row] ?? NaN }) };
    const empty = Object.entries(needed).filter(([, price]) => Number.isNaN(price));
    return empty.length === 0 ? undefined : `${empty.map(([name]) => name).join(', ')} empty`;
  });
  const filled: FindingRow[] = [];
  const volume = kept.volume.map((shares, row) => {
    if (!Number.isNaN(shares)) return shares;
    filled.push({ date: kept.dates[row] ?? '', detail: 'volume empty, taken as 0' });
    return 0;
  });
  return {
    series: filled.length === 0 ? kept : { ...kept, volume },
    findings: [
      ...findingsOf({ rule: 'bar.partial', severity: 'error', symbol }, removed),
      ...findingsOf({ rule: 'bar.partial', severity: 'warn', symbol }, filled),
    ],
  };
}
