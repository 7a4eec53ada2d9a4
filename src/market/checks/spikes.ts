import { adjustmentFactors } from '../bars.ts';
import type { Series } from '../bars.ts';
import { barAt } from './bar-rules.ts';
import { takeOut } from './finding.ts';
import type { RuleResult } from './finding.ts';

/** No price of a session is so many times the one before it: exchanges halt trade long before. */
export const MOST_FACTOR = 20;

/** Whether a price is more than 20 times above each of these closes, or below each; of one, nothing tells which is wrong. */
export function isSpike(price: number, closes: readonly number[]): boolean {
  if (closes.length < 2) return false;
  return (
    closes.every((close) => price > MOST_FACTOR * close) ||
    closes.every((close) => price < close / MOST_FACTOR)
  );
}

/**
 * The two rows that tell whether a row is a spike, ascending: the two before it, so that no later day changes the answer. Where fewer
 * than two of them can be compared with, at the beginning and behind a split, the nearest after it stand in.
 */
export function tellingRows(
  row: number,
  count: number,
  isComparable: (other: number) => boolean = () => true,
): readonly number[] {
  return [row - 1, row - 2, row + 1, row + 2]
    .filter((other) => 0 <= other && other < count && isComparable(other))
    .slice(0, 2)
    .sort((a, b) => a - b);
}

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
