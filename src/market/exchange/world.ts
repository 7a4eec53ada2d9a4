import { MEMBERS } from '../crosswalk.ts';
import { createIndexDays } from './index-level.ts';
import { createMarketReturns, createTradedStock } from './prices.ts';
import { INDEX_SYMBOL, createWorldPlan, worldEnd } from './plan.ts';
import { toStamp, toVendorForm } from './vendor-form.ts';
import { venueOf } from './series.ts';
import { createWorldFacts } from './world-facts.ts';
import type { ChartBook } from './book.ts';
import type { ChartSeries } from './series.ts';
import type { IndexDay } from './index-level.ts';
import type { TradedStock } from './prices.ts';

/**
 * What a world is made from; `until` is a day that it must reach (`liveDay` unless given), `liveDay` its today: nothing later exists
 * yet, and that day's rows carry a time of 16:00.
 */
export interface WorldOptions {
  readonly seed: string;
  readonly until?: string | undefined;
  readonly liveDay?: string | undefined;
}

/**
 * The seeded world as a book: the 30 present members of the index, as `<SYMBOL>.NS`, and the index, 2019 to `worldEnd`.
 * Byte-identical for equal options on every machine; each series is made when it is first asked for and then kept.
 */
export function createWorld({ seed, liveDay, until = liveDay }: WorldOptions): ChartBook {
  const names = new Map(MEMBERS.map(({ symbol, name }) => [`${symbol}.NS`, name]));
  const end = worldEnd(until);
  const through = liveDay === undefined || liveDay > end ? end : liveDay;
  const plan = createWorldPlan({ seed, symbols: [...names.keys()], through: end });
  const stocks = new Map<string, TradedStock>();
  const made = new Map<string, ChartSeries>();
  let market: readonly number[] | undefined;
  let index: readonly IndexDay[] | undefined;

  const stockOf = (symbol: string): TradedStock => {
    const known = stocks.get(symbol);
    if (known !== undefined) return known;
    market ??= createMarketReturns(plan);
    const stock = createTradedStock(plan, symbol, market);
    stocks.set(symbol, stock);
    return stock;
  };
  const indexDays = (): readonly IndexDay[] => (index ??= createIndexDays(plan, plan.symbols.map(stockOf)));
  const stampOf = (date: string): number => toStamp(date, date === liveDay ? '16:00' : '09:15');

  const makeIndex = (): ChartSeries => {
    const days = indexDays();
    const rows = plan.days.flatMap(({ date }, day) => {
      if (date > through || date === plan.saturday || days[day] === undefined) return [];
      const { divisor: _, ...traded } = days[day];
      return [{ time: stampOf(date), date, ...traded, adjClose: traded.close }];
    });
    return {
      symbol: INDEX_SYMBOL,
      name: 'S&P BSE SENSEX',
      venue: venueOf(INDEX_SYMBOL),
      rows,
      dividends: [],
      splits: [],
    };
  };
  const make = (symbol: string): ChartSeries | undefined => {
    if (symbol === INDEX_SYMBOL) return makeIndex();
    const name = names.get(symbol);
    return name === undefined ? undefined : toVendorForm(plan, stockOf(symbol), { name, through, stampOf });
  };
  const seriesOf = (symbol: string): ChartSeries | undefined => {
    const series = made.get(symbol) ?? make(symbol);
    if (series !== undefined) made.set(symbol, series);
    return series;
  };

  return {
    series: async (symbol) => seriesOf(symbol),
    facts: () =>
      createWorldFacts(plan, {
        through,
        liveDay: liveDay ?? null,
        stocks: plan.symbols.map(stockOf),
        divisors: indexDays().map(({ divisor }) => divisor),
      }),
  };
}
