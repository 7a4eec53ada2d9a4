import type { Series } from '../bars.ts';
import { findingsOf, sift, takeOut } from './finding.ts';
import type { FindingRow, RuleResult } from './finding.ts';

// The rules that judge a row by itself, in the order in which they run.

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

/**
 * Rule `bar.null`: drops rows without any price, whatever their volume. Info; on the newest date of the whole download
 * (or after it) the day is not yet final, which is a warning.
 */
export function dropNullRows(series: Series, newestDate: string): RuleResult {
  const { symbol } = series;
  const { kept, removed } = sift(series, (row) => {
    const { open, high, low, close, volume } = barAt(series, row);
    if (![open, high, low, close].every(Number.isNaN)) return undefined;
    const shares = Number.isNaN(volume) ? 'no volume' : `volume ${volume}`;
    return (series.dates[row] ?? '') < newestDate
      ? `no price, ${shares}`
      : `not yet final: no price, ${shares}`;
  });
  return {
    series: kept,
    findings: [
      ...findingsOf(
        { rule: 'bar.null', severity: 'info', symbol },
        removed.filter(({ date }) => date < newestDate),
      ),
      ...findingsOf(
        { rule: 'bar.null', severity: 'warn', symbol },
        removed.filter(({ date }) => date >= newestDate),
      ),
    ],
  };
}

/**
 * Rule `bar.partial`: quarantines rows with some but not all of the four prices, and without an adjusted close where most
 * rows of the series have one (error); where only the volume is empty it becomes 0 (warn).
 */
export function quarantinePartialRows(series: Series): RuleResult {
  const { symbol, adjClose } = series;
  // Its prices would stand unadjusted among adjusted ones: a jump there and one back that nobody traded.
  const isAdjusted = 2 * adjClose.filter((price) => !Number.isNaN(price)).length > adjClose.length;
  const { kept, removed } = sift(series, (row) => {
    const { open, high, low, close } = barAt(series, row);
    const needed = { open, high, low, close, ...(isAdjusted && { 'adjusted close': adjClose[row] ?? NaN }) };
    const empty = Object.entries(needed).filter(([, price]) => Number.isNaN(price));
    return empty.length === 0 ? undefined : `${empty.map(([name]) => name).join(', ')} empty`;
  });
  const filled: FindingRow[] = [];
  const volume = kept.volume.map((shares, row) => {
    if (!Number.isNaN(shares)) return shares;
    filled.push({ date: kept.dates[row] ?? '', detail: 'volume empty, taken as 0' });
    return 0;
  });
  return {
    series: filled.length === 0 ? kept : { ...kept, volume },
    findings: [
      ...findingsOf({ rule: 'bar.partial', severity: 'error', symbol }, removed),
      ...findingsOf({ rule: 'bar.partial', severity: 'warn', symbol }, filled),
    ],
  };
}

/** Rule `bar.future`: drops rows after the tick's date (info): the live row of a day still in progress. */
export function dropFutureRows(series: Series, tickDate: string): RuleResult {
  return takeOut(series, { rule: 'bar.future', severity: 'info' }, (row) =>
    (series.dates[row] ?? '') > tickDate ? `after ${tickDate}` : undefined,
  );
}

/** Adjusting only lowers prices; a factor above this is a broken number, not a dividend. */
const MAX_ADJUSTMENT = 1_000;

/**
 * Rule `bar.positive`: quarantines rows with a price or adjusted close ≤ 0, an adjusted close of more than 1,000 times
 * the close, a negative volume or a fraction of a share (error). An empty adjusted close is fine.
 */
export function quarantineNonPositive(series: Series): RuleResult {
  return takeOut(series, { rule: 'bar.positive', severity: 'error' }, (row) => {
    const { open, high, low, close, volume } = barAt(series, row);
    const adjusted = series.adjClose[row] ?? NaN;
    for (const [name, price] of Object.entries({ open, high, low, close, 'adjusted close': adjusted })) {
      if (price <= 0) return `${name} ${price}`;
    }
    if (adjusted > MAX_ADJUSTMENT * close) return `adjusted close ${adjusted} against close ${close}`;
    return volume < 0 || !Number.isInteger(volume) ? `volume ${volume}` : undefined;
  });
}

/** Vendors round adjusted prices one by one, so a high may lie this much (relative) under its own close. */
const ROUNDING = 1e-6;

/** Rule `bar.ohlc`: quarantines rows whose open or close lies outside low … high, or whose high is under the low (error). */
export function quarantineImpossibleRange(series: Series): RuleResult {
  return takeOut(series, { rule: 'bar.ohlc', severity: 'error' }, (row) => {
    const { open, high, low, close } = barAt(series, row);
    const bad =
      high < Math.max(open, close) * (1 - ROUNDING) ||
      low > Math.min(open, close) * (1 + ROUNDING) ||
      high < low;
    return bad ? `open ${open}, high ${high}, low ${low}, close ${close}` : undefined;
  });
}

/**
 * Rule `bar.flat-zero`: quarantines rows of a session with one price and volume 0: a halt, or a day the vendor lost
 * (warn). Not for an index, whose volume means nothing.
 */
export function quarantineFlatRows(series: Series): RuleResult {
  return takeOut(series, { rule: 'bar.flat-zero', severity: 'warn' }, (row) =>
    isFlatZero(series, row) ? `one price ${series.close[row]}, volume 0` : undefined,
  );
}
