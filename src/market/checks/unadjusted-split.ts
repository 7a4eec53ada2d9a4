import type { Series } from '../bars.ts';
import { findingsOf } from './finding.ts';
import type { Finding, FindingRow } from './finding.ts';
import { MOST_FACTOR } from './spikes.ts';

const SPLIT_FACTORS = [2, 3, 4, 5, 10, 20];
const FACTOR_TOLERANCE = 0.02;
const INDEX_MOVE_EXCUSES = 0.05;
// Long enough for a hole around the ex-date; over a longer suspension a price may double by itself.
const MOST_SESSIONS_BETWEEN = 5;

/** What a jump is judged by: dates with a split, the index's own return (a fraction) by date, and the regular sessions. */
export interface SplitReasons {
  readonly splitDates: ReadonlySet<string>;
  readonly indexMoves: ReadonlyMap<string, number>;
  readonly regular: readonly string[];
}

/**
 * Rule `series.unadjusted-split`: days on which the raw close jumps by a whole factor (2, 3, 4, 5, 10, 20 or its
 * inverse, within 2 %) while the index moved by less than 5 %, or by more than 20 times whatever the index did; from the bar before,
 * with at most 5 regular sessions in between, without a split event. Error: earlier prices of such a series are in other units. An
 * index without a row that day counts as unmoved.
 */
export function findUnadjustedSplits(
  series: Series,
  { splitDates, indexMoves, regular }: SplitReasons,
): Finding[] {
  const rows: FindingRow[] = [];
  for (let row = 1; row < series.close.length; row++) {
    const date = series.dates[row] ?? '';
    const ratio = (series.close[row] ?? NaN) / (series.close[row - 1] ?? NaN);
    const jump = toJump(ratio, indexMoves.get(date) ?? 0);
    if (jump === undefined || splitDates.has(date)) continue;
    const before = series.dates[row - 1] ?? '';
    const between = regular.filter((session) => before < session && session < date).length;
    if (between > MOST_SESSIONS_BETWEEN) continue;
    rows.push({ date, detail: `close × ${ratio.toFixed(4)}, ${jump}` });
  }
  return findingsOf({ rule: 'series.unadjusted-split', severity: 'error', symbol: series.symbol }, rows);
}

function toJump(ratio: number, indexMove: number): string | undefined {
  const factor = SPLIT_FACTORS.find(
    (n) => Math.abs(ratio / n - 1) <= FACTOR_TOLERANCE || Math.abs(ratio * n - 1) <= FACTOR_TOLERANCE,
  );
  if (factor !== undefined) {
    const moved = Math.abs(indexMove) >= INDEX_MOVE_EXCUSES;
    return moved ? undefined : `near ${ratio > 1 ? factor : `1/${factor}`}`;
  }
  return ratio > MOST_FACTOR || ratio * MOST_FACTOR < 1 ? 'more than any move' : undefined;
}
