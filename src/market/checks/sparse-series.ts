import type { Series } from '../bars.ts';
import { findingsOf } from './finding.ts';
import type { Finding } from './finding.ts';

const MOST_AFTER_HOLES = 0.25;

/**
 * Rule `series.sparse`: an error when more than a quarter of the bars come after a hole, at least one expected session without a bar
 * since the bar before. From bar to bar such a series moves by several sessions, so that it is no daily one.
 */
export function findSparse(series: Series, expected: readonly string[]): Finding[] {
  const { symbol, dates } = series;
  let afterHoles = 0;
  let next = 0;
  for (const [row, date] of dates.entries()) {
    const first = next;
    while ((expected[next] ?? date) < date) next += 1;
    if (row > 0 && next > first) afterHoles += 1;
    if (expected[next] === date) next += 1;
  }
  if (afterHoles <= MOST_AFTER_HOLES * dates.length) return [];
  return findingsOf({ rule: 'series.sparse', severity: 'error', symbol }, [
    { date: dates[0] ?? '', detail: `${afterHoles} of ${dates.length} bars come after a hole` },
  ]);
}
