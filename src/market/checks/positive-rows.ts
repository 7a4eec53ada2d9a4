import type { Series } from '../bars.ts';
import { barAt, takeOut } from './sift.ts';
import type { RuleResult } from './sift.ts';

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
