import { createRandom } from './random.ts';
import type { WorldPlan } from './plan.ts';

/** What was paid and how much changed hands on a day. */
export interface TradedDay {
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

/** A stock as it traded, one entry per day of the plan: rupees of that day, shares of that day. */
export interface TradedStock {
  readonly symbol: string;
  /** With the shares outstanding; a split multiplies them. */
  readonly days: readonly (TradedDay & { readonly shares: number })[];
  readonly dividends: readonly TradedDividend[];
}

/** A dividend in rupees of its ex-date; `priorClose` is the close before it, in the same shares. */
export interface TradedDividend {
  readonly date: string;
  readonly amount: number;
  readonly priorClose: number;
}

// Rupees: prices of both exchanges move in steps of five paise.
const TICKS_PER_RUPEE = 20;

/** The common return of each day: drift, and a volatility that switches between a calm and a wild state. */
export function createMarketReturns(plan: WorldPlan): readonly number[] {
  const random = createRandom(`${plan.seed}|market`);
  let wild = false;
  return plan.days.map(() => {
    if (random.uniform() < 0.02) wild = !wild;
    return 0.0003 + 0.008 * (wild ? 1.8 : 0.7) * random.normal();
  });
}

/** One stock's days; draws come from the stock's own stream and as many each day, so a day never depends on what comes later. */
export function createTradedStock(plan: WorldPlan, symbol: string, market: readonly number[]): TradedStock {
  const random = createRandom(`${plan.seed}|${symbol}`);
  const beta = 0.6 + 0.8 * random.uniform();
  const spread = 0.008 + 0.012 * random.uniform();
  const usualVolume = 500_000 + 4_500_000 * random.uniform();
  let shares = 100_000_000 + random.below(900) * 1_000_000;
  let close = toTicks(400 + 3_600 * random.uniform());
  let splitBy = 1;
  const rates = createDividendRates(plan, symbol);
  const halted = new Set(plan.halt.symbol === symbol ? plan.halt.dates : []);
  const dividends: TradedDividend[] = [];
  const days = plan.days.map(({ date }, day) => {
    const shock = random.uniform() < 0.005 ? 4 : 1;
    const change = beta * (market[day] ?? 0) + spread * shock * random.normal();
    const openNoise = 0.002 * random.normal();
    const above = 0.004 * Math.abs(random.normal());
    const below = 0.004 * Math.abs(random.normal());
    const crowd = 0.5 + random.uniform();

    let reference = close;
    const split = plan.splits.find((action) => action.symbol === symbol && action.date === date);
    if (split !== undefined) {
      reference /= split.ratio;
      splitBy *= split.ratio;
      shares *= split.ratio;
    }
    if (plan.demerger.symbol === symbol && plan.demerger.date === date) reference *= plan.demerger.factor;
    const rate = rates.get(date);
    if (rate !== undefined) {
      const amount = Math.max(toTicks(reference * rate), 1 / TICKS_PER_RUPEE);
      dividends.push({ date, amount, priorClose: reference });
      reference -= amount;
    }

    if (halted.has(date)) return { open: close, high: close, low: close, close, volume: 0, shares };
    const open = toTicks(reference * (1 + 0.3 * change + openNoise));
    close = toTicks(reference * (1 + change));
    return {
      open,
      high: toTicks(Math.max(open, close) * (1 + above)),
      low: toTicks(Math.min(open, close) * (1 - below)),
      close,
      volume: Math.round(usualVolume * splitBy * crowd * (1 + 20 * Math.abs(change))),
      shares,
    };
  });
  return { symbol, days, dividends };
}

/** Ex-date → share of the price that is paid: none, one or two a year, never on a day with another action or defect of the stock. */
function createDividendRates(plan: WorldPlan, symbol: string): ReadonlyMap<string, number> {
  const random = createRandom(`${plan.seed}|${symbol}|dividends`);
  const taken = new Set<string>();
  for (const action of [...plan.splits, plan.demerger]) if (action.symbol === symbol) taken.add(action.date);
  for (const defect of [plan.halt, plan.missing]) {
    if (defect.symbol === symbol) for (const date of defect.dates) taken.add(date);
  }
  if (plan.nulls.symbol === symbol) taken.add(plan.nulls.date);
  taken.add(plan.saturday);
  taken.add(plan.days[0]?.date ?? '');
  const byYear = Map.groupBy(plan.days, (session) => session.date.slice(0, 4));
  const rates = new Map<string, number>();
  for (const sessions of byYear.values()) {
    const count = random.below(3);
    for (let paid = 0; paid < count; paid += 1) {
      const date = sessions[random.below(sessions.length)]?.date ?? '';
      const rate = 0.003 + 0.017 * random.uniform();
      if (!taken.has(date)) rates.set(date, rate);
      taken.add(date);
    }
  }
  return rates;
}

function toTicks(rupees: number): number {
  return Math.round(rupees * TICKS_PER_RUPEE) / TICKS_PER_RUPEE;
}
