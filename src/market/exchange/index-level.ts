import { createRandom } from './random.ts';
import type { TradedStock } from './prices.ts';
import type { WorldPlan } from './plan.ts';

/** The index on every day of the plan, in points with two decimals. */
export interface IndexLevels {
  readonly open: readonly number[];
  readonly high: readonly number[];
  readonly low: readonly number[];
  readonly close: readonly number[];
  readonly volume: readonly number[];
  /** What the sum of price times shares is divided by; changes on the demerger's day only. */
  readonly divisor: readonly number[];
}

// Where the SENSEX stood when 2019 began, rounded.
const BASE = 36_000;

/**
 * The index as a function of its stocks: `Σ price·shares / divisor`, over all stocks whether their row is published or not.
 * A split changes price and shares together; a demerger changes the divisor, so that the index does not jump; dividends are not added back.
 */
export function createIndexLevels(plan: WorldPlan, stocks: readonly TradedStock[]): IndexLevels {
  const random = createRandom(`${plan.seed}|index`);
  const demerged = stocks.find((stock) => stock.symbol === plan.demerger.symbol);
  const sumOf = (column: 'open' | 'close', day: number): number =>
    stocks.reduce((sum, stock) => sum + (stock[column][day] ?? 0) * (stock.shares[day] ?? 0), 0);
  let divisor = sumOf('close', 0) / BASE;
  const levels = {
    open: [] as number[],
    high: [] as number[],
    low: [] as number[],
    close: [] as number[],
    volume: [] as number[],
    divisor: [] as number[],
  };
  for (const [day, { date }] of plan.days.entries()) {
    if (date === plan.demerger.date && demerged !== undefined && day > 0) {
      const before = sumOf('close', day - 1);
      const lost =
        (demerged.close[day - 1] ?? 0) * (demerged.shares[day - 1] ?? 0) * (1 - plan.demerger.factor);
      divisor *= (before - lost) / before;
    }
    const open = toPoints(sumOf('open', day) / divisor);
    const close = toPoints(sumOf('close', day) / divisor);
    levels.open.push(open);
    levels.close.push(close);
    levels.high.push(toPoints(Math.max(open, close) * (1 + 0.002 * Math.abs(random.normal()))));
    levels.low.push(toPoints(Math.min(open, close) * (1 - 0.002 * Math.abs(random.normal()))));
    // The vendor prints the index's volume in hundreds.
    levels.volume.push(5_000 + random.below(200) * 100);
    levels.divisor.push(divisor);
  }
  return levels;
}

function toPoints(value: number): number {
  return Math.round(value * 100) / 100;
}
