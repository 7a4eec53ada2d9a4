import { byCodeUnit } from '../by-code-unit.ts';
import { selectRows, SERIES_COLUMNS } from '../bars.ts';
import type { Series } from '../bars.ts';
import { findingsOf } from './finding.ts';
import type { FindingRow, RuleResult } from './finding.ts';

/** Rule `bar.order`: sorts rows by date, rows of one date keep their order; warns naming rows that came too late. */
export function sortRows(series: Series): RuleResult {
  const { dates, symbol } = series;
  const late: FindingRow[] = [];
  let newest = '';
  for (const date of dates) {
    if (date < newest) late.push({ date, detail: `stood after ${newest}` });
    else newest = date;
  }
  if (late.length === 0) return { series, findings: [] };
  const key = (row: number): string => dates[row] ?? '';
  const order = dates.map((_, row) => row).sort((a, b) => byCodeUnit(key(a), key(b)));
  return {
    series: selectRows(series, order),
    findings: findingsOf({ rule: 'bar.order', severity: 'warn', symbol }, late),
  };
}

/** The close first, for what two rows of a date differ in. */
const BY_WEIGHT = ['close', ...SERIES_COLUMNS] as const;

/**
 * Rule `bar.duplicate` on sorted rows: of several rows with one date the last stays; identical copies are only counted
 * (info), different ones are an error.
 */
export function mergeDuplicates(series: Series): RuleResult {
  const { dates, symbol } = series;
  const kept: number[] = [];
  const copies: FindingRow[] = [];
  const conflicts: FindingRow[] = [];
  for (const [row, date] of dates.entries()) {
    if (dates[row + 1] !== date) {
      kept.push(row);
      continue;
    }
    const other = BY_WEIGHT.find((name) => !Object.is(series[name][row], series[name][row + 1]));
    if (other === undefined) copies.push({ date, detail: 'identical copy' });
    else
      conflicts.push({
        date,
        detail: `${other === 'adjClose' ? 'adjusted close' : other} ${series[other][row]}, the later row says ${series[other][row + 1]}`,
      });
  }
  if (kept.length === dates.length) return { series, findings: [] };
  return {
    series: selectRows(series, kept),
    findings: [
      ...findingsOf({ rule: 'bar.duplicate', severity: 'info', symbol }, copies),
      ...findingsOf({ rule: 'bar.duplicate', severity: 'error', symbol }, conflicts),
    ],
  };
}
