import type { Series } from '../bars.ts';
import { findingsOf } from './finding.ts';
import type { Finding } from './finding.ts';

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
