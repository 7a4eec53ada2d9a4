import type { Series } from '../bars.ts';
import { findingsOf } from './finding.ts';
import { barAt, sift } from './sift.ts';
import type { RuleResult } from './sift.ts';

/**
 * Rule `bar.null`: drops rows without any price, whatever their volume. Info; on the newest date of the whole download
 * (or after it) the day is not yet final, which is a warning.
 */
export function dropNullRows(series: Series, newestDate: string): RuleResult {
  const { symbol } = series;
  const { kept, removed } = sift(series, (row) => {
    const { open, high, low, close, volume } = barAt(series, row);
    if (![open, high, low, close].every(Number.isNaN)) return undefined;
    const shares = Number.isNaN(volume) ? 'no volume' : `volume ${volume}`;
    return (series.dates[row] ?? '') < newestDate
      ? `no price, ${shares}`
      : `not yet final: no price, ${shares}`;
  });
  return {
    series: kept,
    findings: [
      ...findingsOf(
        { rule: 'bar.null', severity: 'info', symbol },
        removed.filter(({ date }) => date < newestDate),
      ),
      ...findingsOf(
        { rule: 'bar.null', severity: 'warn', symbol },
        removed.filter(({ date }) => date >= newestDate),
      ),
    ],
  };
}
