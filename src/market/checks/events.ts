import type { Series } from '../bars.ts';

/** What happened to a share: splits as new shares per old one by ex-date, and the dates of splits and dividends. */
export interface ShareEvents {
  readonly splits: ReadonlyMap<string, number>;
  readonly dates: ReadonlySet<string>;
}

/** Events of a series' rows, those of unusable rows and of rows outside the period included; a date counts once. */
export function shareEvents(raw: Series): ShareEvents {
  const splits = new Map<string, number>();
  const dates = new Set<string>();
  for (const [row, date] of raw.dates.entries()) {
    const split = raw.split[row] ?? 0;
    if (split > 0 && split !== 1) splits.set(date, split);
    if ((split > 0 && split !== 1) || (raw.dividend[row] ?? 0) > 0) dates.add(date);
  }
  return { splits, dates };
}

/** Whether a row is no bar: a split after the tick's date, which raw files list without prices. */
export function isLaterSplit(series: Series, row: number, tickDate: string): boolean {
  return (
    (series.dates[row] ?? '') > tickDate &&
    (series.split[row] ?? 0) > 0 &&
    Number.isNaN(series.close[row] ?? NaN)
  );
}
