import { adjustmentFactors } from '../bars.ts';
import type { Series } from '../bars.ts';
import { barAt, takeOut } from './sift.ts';
import type { RuleResult } from './sift.ts';
import { isSpike, tellingRows } from './spikes.ts';

/**
 * Rule `bar.spike`: quarantines rows (error) with an adjusted price more than 20 times above, or below, the adjusted closes of two
 * rows near it, those before it where they are. A close beyond a split is not compared with: vendors list some before they divide by them.
 */
export function quarantineSpikes(series: Series, splits: ReadonlyMap<string, number>): RuleResult {
  const { dates } = series;
  const factors = adjustmentFactors(series);
  const adjust = (price: number, row: number): number => price * (factors[row] ?? NaN);
  const closes = series.close.map(adjust);
  const isSplitBetween = (a: string, b: string): boolean =>
    [...splits.keys()].some((date) => (a < date && date <= b) || (b < date && date <= a));
  return takeOut(series, { rule: 'bar.spike', severity: 'error' }, (row) => {
    const isComparable = (other: number): boolean => !isSplitBetween(dates[row] ?? '', dates[other] ?? '');
    const nearest = tellingRows(row, dates.length, isComparable).map((other) => closes[other] ?? NaN);
    const { open, high, low, close } = barAt(series, row);
    const prices = Object.entries({ open, high, low, close });
    const odd = prices.find(([, price]) => isSpike(adjust(price, row), nearest));
    if (odd === undefined) return undefined;
    const [name, price] = odd;
    return `adjusted ${name} ${round(adjust(price, row))}, nearest closes ${nearest.map(round).join(' and ')}`;
  });
}

function round(price: number): number {
  return Number(price.toPrecision(6));
}
