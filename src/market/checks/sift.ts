import { selectRows } from '../bars.ts';
import type { Series } from '../bars.ts';
import { findingsOf } from './finding.ts';
import type { Finding, FindingRow } from './finding.ts';

/** What a rule made of a series: the rows that stay and what it has to say. */
export interface RuleResult {
  readonly series: Series;
  readonly findings: readonly Finding[];
}

/** Rows that a rule takes out, with the reason of each; the order of the rest is kept. */
export interface Sifted {
  readonly kept: Series;
  readonly removed: readonly FindingRow[];
}

/** Takes out the rows for which `reason` gives a text. */
export function sift(series: Series, reason: (row: number) => string | undefined): Sifted {
  const kept: number[] = [];
  const removed: FindingRow[] = [];
  for (const [row, date] of series.dates.entries()) {
    const detail = reason(row);
    if (detail === undefined) kept.push(row);
    else removed.push({ date, detail });
  }
  return { kept: removed.length === 0 ? series : selectRows(series, kept), removed };
}

/** What a rule comes to that takes rows out and has nothing else to say: one finding of these rows. */
export function takeOut(
  series: Series,
  rule: Pick<Finding, 'rule' | 'severity'>,
  reason: (row: number) => string | undefined,
): RuleResult {
  const { kept, removed } = sift(series, reason);
  return { series: kept, findings: findingsOf({ ...rule, symbol: series.symbol }, removed) };
}

/** The four prices of a row and its volume. */
export function barAt(
  series: Series,
  row: number,
): { open: number; high: number; low: number; close: number; volume: number } {
  return {
    open: series.open[row] ?? NaN,
    high: series.high[row] ?? NaN,
    low: series.low[row] ?? NaN,
    close: series.close[row] ?? NaN,
    volume: series.volume[row] ?? NaN,
  };
}

/** Whether a row says that nothing was traded: one price all day and a volume of 0. */
export function isFlatZero(series: Series, row: number): boolean {
  const { open, high, low, close, volume } = barAt(series, row);
  return volume === 0 && open === high && high === low && low === close;
}
