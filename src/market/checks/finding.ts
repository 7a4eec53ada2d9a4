import { selectRows } from '../bars.ts';
import type { Series } from '../bars.ts';
import { byCodeUnit } from '../by-code-unit.ts';

/** One date a finding speaks of; `detail` says what was there, in words and numbers. */
export interface FindingRow {
  readonly date: string;
  readonly detail: string;
}

/** What one rule found in one series; `rows` ascending by date, `count` their number. */
export interface Finding {
  readonly rule: string;
  /** `info` is bookkeeping, `warn` wants a look, `error` cost data or cannot be true. */
  readonly severity: 'info' | 'warn' | 'error';
  readonly symbol: string;
  readonly count: number;
  readonly rows: readonly FindingRow[];
}

/** A list with one finding of these rows, or an empty list when there are none. */
export function findingsOf(
  head: Pick<Finding, 'rule' | 'severity' | 'symbol'>,
  rows: readonly FindingRow[],
): Finding[] {
  if (rows.length === 0) return [];
  const ordered = rows.toSorted((a, b) => byCodeUnit(a.date, b.date));
  return [
    { rule: head.rule, severity: head.severity, symbol: head.symbol, count: rows.length, rows: ordered },
  ];
}

/** What a rule made of a series: the rows that stay and what it has to say. */
export interface RuleResult {
  readonly series: Series;
  readonly findings: readonly Finding[];
}

/** Takes out the rows for which `reason` gives a text; the order of the rest is kept. */
export function sift(
  series: Series,
  reason: (row: number) => string | undefined,
): { readonly kept: Series; readonly removed: readonly FindingRow[] } {
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
