import { adjustmentFactors } from '../bars.ts';
import type { Series } from '../bars.ts';
import { findingsOf } from './finding.ts';
import type { Finding, FindingRow } from './finding.ts';
import { MOST_FACTOR } from './spikes.ts';

const SPLIT_FACTORS = [2, 3, 4, 5, 10, 20];
const FACTOR_TOLERANCE = 0.02;
const INDEX_MOVE_EXCUSES = 0.05;
// A smaller split makes a jump that a bad day makes, too.
const LEAST_TOLD_SPLIT = 1.5;
// The day's own move comes on top of the split.
const MOVE_BESIDE_SPLIT = 0.1;
// Long enough for a hole around the ex-date; over a longer suspension a price may double by itself.
const MOST_SESSIONS_BETWEEN = 5;

/** What a jump is judged by: splits by date, the index's own return (a fraction) by date, and the regular sessions. */
export interface SplitReasons {
  readonly splits: ReadonlyMap<string, number>;
  readonly indexMoves: ReadonlyMap<string, number>;
  readonly regular: readonly string[];
}

/**
 * Rule `series.unadjusted-split`: days on which the raw close jumps by a whole factor (2, 3, 4, 5, 10, 20 or its
 * inverse, within 2 %) while the index moved by less than 5 %, or by more than 20 times whatever the index did; from the bar before,
 * with at most 5 regular sessions in between, without a split event. On the day of one, adjusted closes that jump by its own inverse
 * (within 10 %, splits of 1.5 or more): it is listed, and nothing was divided by it. Error: earlier prices of such a series are in other
 * units. An index without a row that day counts as unmoved.
 */
export function findUnadjustedSplits(
  series: Series,
  { splits, indexMoves, regular }: SplitReasons,
): Finding[] {
  const rows: FindingRow[] = [];
  const factors = adjustmentFactors(series);
  for (let row = 1; row < series.close.length; row++) {
    const date = series.dates[row] ?? '';
    const ratio = (series.close[row] ?? NaN) / (series.close[row - 1] ?? NaN);
    const split = splits.get(date);
    const adjusted = (ratio * (factors[row] ?? NaN)) / (factors[row - 1] ?? NaN);
    const jump =
      split === undefined ? toJump(ratio, indexMoves.get(date) ?? 0) : toUndivided(adjusted, split);
    if (jump === undefined) continue;
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

function toUndivided(adjustedRatio: number, split: number): string | undefined {
  if (Math.max(split, 1 / split) < LEAST_TOLD_SPLIT) return undefined;
  const isUndivided = Math.abs(adjustedRatio * split - 1) <= MOVE_BESIDE_SPLIT;
  return isUndivided
    ? `closes before not divided by the split of ${Number(split.toPrecision(6))}`
    : undefined;
}
