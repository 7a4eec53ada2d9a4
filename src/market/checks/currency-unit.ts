import { findingsOf } from './finding.ts';
import type { Finding } from './finding.ts';

/**
 * Rule `series.unit`: an error when a series is quoted in another currency than the run expects. Minor units, which
 * end in a lower-case letter or in A (`GBp`, `ZAc`, `ILA`), are other currencies too. `date` = where the series ends.
 */
export function findForeignUnit(
  quoted: { readonly symbol: string; readonly currency: string; readonly date: string },
  expected: string,
): Finding[] {
  if (quoted.currency === expected) return [];
  return findingsOf({ rule: 'series.unit', severity: 'error', symbol: quoted.symbol }, [
    { date: quoted.date, detail: `quoted in ${quoted.currency}, not ${expected}` },
  ]);
}
