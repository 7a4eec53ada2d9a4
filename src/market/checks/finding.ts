import { byCodeUnit } from '../by-code-unit.ts';

/** How bad a finding is: `info` is bookkeeping, `warn` wants a look, `error` cost data or cannot be true. */
export type Severity = 'info' | 'warn' | 'error';

/** One date a finding speaks of; `detail` says what was there, in words and numbers. */
export interface FindingRow {
  readonly date: string;
  readonly detail: string;
}

/** What one rule found in one series; `rows` ascending by date, `count` their number. */
export interface Finding {
  readonly rule: string;
  readonly severity: Severity;
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
