import { MarketError } from '../market-error.ts';
import type { IndexCloses } from '../checks/index-closes.ts';

/** The day axis of the feature maps with the target of each day. */
export interface DayAxis {
  /** Index sessions after the warm-up, without the last one; ascending. */
  readonly days: readonly string[];
  /** 1 where the index closes higher on its next session, else 0 (equal counts as not higher). */
  readonly targets: Int8Array;
  /** The last index session: it has features, but no next session and so no target. */
  readonly latest: string;
}

/** Cuts the first `warmup` index sessions off; error: `features.too-short` when fewer than two sessions remain. */
export function buildDayAxis({ dates, close }: IndexCloses, warmup: number): DayAxis {
  const last = dates.length - 1;
  const latest = dates[last];
  if (latest === undefined || last <= warmup) {
    throw new MarketError(
      'features.too-short',
      `the index has ${dates.length} sessions; a warm-up of ${warmup} and one day with a target need ${warmup + 2}`,
    );
  }
  const days = dates.slice(warmup, last);
  const targets = Int8Array.from(days, (_, day) => {
    return (close[warmup + day + 1] ?? NaN) > (close[warmup + day] ?? NaN) ? 1 : 0;
  });
  return { days, targets, latest };
}
