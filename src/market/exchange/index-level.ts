import { createRandom } from './random.ts';
import type { TradedDay, TradedStock } from './prices.ts';
import type { WorldPlan } from './plan.ts';

/** The index on a day of the plan, in points with two decimals. */
export interface IndexDay extends TradedDay {
  /** What the sum of price times shares is divided by; changes on the demerger's day only. */
  readonly divisor: number;
}

// Where the SENSEX stood when 2019 began, rounded.
const BASE = 36_000;

/**
 * The index as a function of its stocks: `Σ price·shares / divisor`, over all stocks whether their row is published or not.
 * A split changes price and shares together; a demerger changes the divisor, so that the index does not jump; dividends are not added back.
 */
export function createIndexDays(plan: WorldPlan, stocks: readonly TradedStock[]): readonly IndexDay[] {
  const random = createRandom(`${plan.seed}|index`);
  const demerged = stocks.find((stock) => stock.symbol === plan.demerger.symbol);
  const worthOf = ({ days }: TradedStock, price: 'open' | 'close', day: number): number => {
    const traded = days[day];
    return traded === undefined ? 0 : traded[price] * traded.shares;
  };
  const sumOf = (price: 'open' | 'close', day: number): number =>
    stocks.reduce((sum, stock) => sum + worthOf(stock, price, day), 0);
  let divisor = sumOf('close', 0) / BASE;
  return plan.days.map(({ date }, day) => {
    if (date === plan.demerger.date && demerged !== undefined && day > 0) {
      const before = sumOf('close', day - 1);
      const lost = worthOf(demerged, 'close', day - 1) * (1 - plan.demerger.factor);
      divisor *= (before - lost) / before;
    }
    const open = toPoints(sumOf('open', day) / divisor);
    const close = toPoints(sumOf('close', day) / divisor);
    return {
      open,
      high: toPoints(Math.max(open, close) * (1 + 0.002 * Math.abs(random.normal()))),
      low: toPoints(Math.min(open, close) * (1 - 0.002 * Math.abs(random.normal()))),
      close,
      // The vendor prints the index's volume in hundreds.
      volume: 5_000 + random.below(200) * 100,
      divisor,
    };
  });
}

function toPoints(value: number): number {
  return Math.round(value * 100) / 100;
}
