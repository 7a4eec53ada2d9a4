import { adjustmentFactors } from '../bars.ts';
import type { Series } from '../bars.ts';
import type { ShareEvents } from './events.ts';
import { findingsOf } from './finding.ts';
import type { Finding, FindingRow } from './finding.ts';
import { MOST_FACTOR } from './spikes.ts';

const JUMP_LOG_RETURN = 0.18;
const INDEX_MOVE_EXPLAINS = 0.03;

/**
 * Rule `bar.jump`: warns of adjusted closes whose log return exceeds 0.18 in size; nothing is removed. A jump counts as
 * explained on a split or dividend date or when the index moved by more than 3 %.
 */
export function findJumps(
  series: Series,
  events: ShareEvents,
  indexMoves: ReadonlyMap<string, number>,
): Finding[] {
  const factors = adjustmentFactors(series);
  const adjusted = series.close.map((close, row) => close * (factors[row] ?? NaN));
  const rows: FindingRow[] = [];
  for (let row = 1; row < adjusted.length; row++) {
    const ratio = (adjusted[row] ?? NaN) / (adjusted[row - 1] ?? NaN);
    const date = series.dates[row] ?? '';
    if (!(Math.abs(Math.log(ratio)) > JUMP_LOG_RETURN)) continue;
    const move = indexMoves.get(date) ?? 0;
    let why = 'unexplained';
    if (events.dates.has(date)) why = 'explained by an event';
    else if (Math.abs(move) > INDEX_MOVE_EXPLAINS) why = `explained by the index (${percent(move)})`;
    rows.push({ date, detail: `${percent(ratio - 1)}, ${why}` });
  }
  return findingsOf({ rule: 'bar.jump', severity: 'warn', symbol: series.symbol }, rows);
}

function percent(fraction: number): string {
  return `${fraction < 0 ? '' : '+'}${(100 * fraction).toFixed(2)} %`;
}

const SPLIT_FACTORS = [2, 3, 4, 5, 10, 20];
const FACTOR_TOLERANCE = 0.02;
const INDEX_MOVE_EXCUSES = 0.05;
// A smaller split makes a jump that a bad day makes, too.
const LEAST_TOLD_SPLIT = 1.5;
// The day's own move comes on top of the split.
const MOVE_BESIDE_SPLIT = 0.1;
// Long enough for a hole around the ex-date; over a longer suspension a price may double by itself.
const MOST_SESSIONS_BETWEEN = 5;

/**
 * Rule `series.unadjusted-split`: days on which the raw close jumps by a whole factor (2, 3, 4, 5, 10, 20 or its
 * inverse, within 2 %) while the index moved by less than 5 %, or by more than 20 times whatever the index did; from the bar before,
 * with at most 5 regular sessions in between, without a split event. On the day of one, adjusted closes that jump by its own inverse
 * (within 10 %, splits of 1.5 or more): it is listed, and nothing was divided by it. Error: earlier prices of such a series are in other
 * units. An index without a row that day counts as unmoved.
 */
export function findUnadjustedSplits(
  series: Series,
  events: ShareEvents,
  indexMoves: ReadonlyMap<string, number>,
  regular: readonly string[],
): Finding[] {
  const rows: FindingRow[] = [];
  const factors = adjustmentFactors(series);
  for (let row = 1; row < series.close.length; row++) {
    const date = series.dates[row] ?? '';
    const ratio = (series.close[row] ?? NaN) / (series.close[row - 1] ?? NaN);
    const split = events.splits.get(date);
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
