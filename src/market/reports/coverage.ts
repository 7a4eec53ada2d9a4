import type { CleanSeries, Cleaning } from '../checks/clean.ts';

/** How much of what could be known about a stock is there. */
export interface Coverage {
  readonly cleanBars: number;
  /** Clean bars on expected sessions since the listing, as a fraction of those sessions. */
  readonly completeness: number;
  /** Regular sessions after the last clean bar. */
  readonly sessionsBehind: number;
  /** `completeness · (1 − error rows / all rows) · max(0, 1 − sessions behind / 5)`. */
  readonly score: number;
}

const WORTHLESS_AFTER_SESSIONS = 5;

/**
 * Measures a cleaned stock against the calendar. Expected are regular sessions on which some series has a clean bar, from
 * the start of the period or the stock's first trading date, whichever is later.
 */
export function measureCoverage(
  stock: CleanSeries,
  { sessions, observed }: Pick<Cleaning, 'sessions' | 'observed'>,
  firstTradeDate: string | undefined,
): Coverage {
  const present = new Set(stock.bars.dates);
  const last = stock.bars.dates.at(-1) ?? '';
  let expected = 0;
  let clean = 0;
  let sessionsBehind = 0;
  for (const { date, kind } of sessions) {
    if (kind !== 'regular') continue;
    if (date > last) sessionsBehind += 1;
    if (!observed.has(date) || date < (firstTradeDate ?? '')) continue;
    expected += 1;
    if (present.has(date)) clean += 1;
  }
  const completeness = expected === 0 ? 0 : clean / expected;
  const sound = stock.rows.all === 0 ? 0 : 1 - stock.rows.errors / stock.rows.all;
  return {
    cleanBars: stock.bars.dates.length,
    completeness,
    sessionsBehind,
    score: completeness * sound * Math.max(0, 1 - sessionsBehind / WORTHLESS_AFTER_SESSIONS),
  };
}
