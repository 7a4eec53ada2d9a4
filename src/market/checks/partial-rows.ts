import type { Series } from '../bars.ts';
import { findingsOf } from './finding.ts';
import type { FindingRow } from './finding.ts';
import { barAt, sift } from './sift.ts';
import type { RuleResult } from './sift.ts';

/**
 * Rule `bar.partial`: quarantines rows with some but not all of the four prices (error); where only the volume is
 * empty it becomes 0 (warn).
 */
export function quarantinePartialRows(series: Series): RuleResult {
  const { symbol } = series;
  const { kept, removed } = sift(series, (row) => {
    const { open, high, low, close } = barAt(series, row);
    const empty = Object.entries({ open, high, low, close }).filter(([, price]) => Number.isNaN(price));
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
