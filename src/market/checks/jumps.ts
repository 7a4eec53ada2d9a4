import { adjustmentFactors } from '../bars.ts';
import type { Series } from '../bars.ts';
import { findingsOf } from './finding.ts';
import type { Finding, FindingRow } from './finding.ts';

const JUMP_LOG_RETURN = 0.18;
const INDEX_MOVE_EXPLAINS = 0.03;

/** What may explain a jump: dates with a split or dividend, and the index's own return (a fraction) by date. */
export interface JumpReasons {
  readonly eventDates: ReadonlySet<string>;
  readonly indexMoves: ReadonlyMap<string, number>;
}

/**
 * Rule `bar.jump`: warns of adjusted closes whose log return exceeds 0.18 in size; nothing is removed. A jump counts as
 * explained on a split or dividend date or when the index moved by more than 3 %.
 */
export function findJumps(series: Series, { eventDates, indexMoves }: JumpReasons): Finding[] {
  const factors = adjustmentFactors(series);
  const adjusted = series.close.map((close, row) => close * (factors[row] ?? NaN));
  const rows: FindingRow[] = [];
  for (let row = 1; row < adjusted.length; row++) {
    const ratio = (adjusted[row] ?? NaN) / (adjusted[row - 1] ?? NaN);
    const date = series.dates[row] ?? '';
    if (!(Math.abs(Math.log(ratio)) > JUMP_LOG_RETURN)) continue;
    const move = indexMoves.get(date) ?? 0;
    let why = 'unexplained';
    if (eventDates.has(date)) why = 'explained by an event';
    else if (Math.abs(move) > INDEX_MOVE_EXPLAINS) why = `explained by the index (${percent(move)})`;
    rows.push({ date, detail: `${percent(ratio - 1)}, ${why}` });
  }
  return findingsOf({ rule: 'bar.jump', severity: 'warn', symbol: series.symbol }, rows);
}

function percent(fraction: number): string {
  return `${fraction < 0 ? '' : '+'}${(100 * fraction).toFixed(2)} %`;
}
