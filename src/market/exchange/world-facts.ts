import { byCodeUnit } from '../by-code-unit.ts';
import { INDEX_SYMBOL, WORLD_FROM } from './plan.ts';
import type { CorporateAction, PlantedDefect, WorldFacts } from './book.ts';
import type { TradedStock } from './prices.ts';
import type { WorldPlan } from './plan.ts';

/** What the facts need beside the plan; `divisors` has one entry per day of the plan. */
export interface FactsInput {
  readonly through: string;
  readonly liveDay: string | null;
  readonly stocks: readonly TradedStock[];
  readonly divisors: readonly number[];
}

/** All defects and corporate actions that chart answers up to `through` show. */
export function createWorldFacts(plan: WorldPlan, input: FactsInput): WorldFacts {
  const { through, liveDay, stocks, divisors } = input;
  const live = plan.days.find(({ date }) => date === liveDay)?.date;
  const listedBy = (date: string): string[] =>
    plan.symbols.filter((symbol) => symbol !== plan.late.symbol || plan.late.from <= date);
  const hasRow = (symbol: string, date: string): boolean =>
    !(symbol === plan.missing.symbol && plan.missing.dates.includes(date)) &&
    !(symbol === INDEX_SYMBOL && date === plan.saturday);
  const defects: PlantedDefect[] = [
    {
      kind: 'late-listing',
      symbols: [plan.late.symbol],
      dates: [plan.late.from],
      what: 'no row before this date; firstTradeDate says so',
    },
    {
      kind: 'index-gap',
      symbols: [INDEX_SYMBOL],
      dates: [plan.saturday],
      what: 'the stocks have a row on this session, the index has none',
    },
    {
      kind: 'halt',
      symbols: [plan.halt.symbol],
      dates: plan.halt.dates,
      what: 'open, high, low and close are the last close, volume 0',
    },
    {
      kind: 'missing-bar',
      symbols: [plan.missing.symbol],
      dates: plan.missing.dates,
      what: 'a session without a row',
    },
    {
      kind: 'null-bar',
      symbols: [plan.nulls.symbol],
      dates: [plan.nulls.date],
      what: 'a row that is null in every cell',
    },
    {
      kind: 'phantom-day',
      symbols: listedBy(plan.phantom),
      dates: [plan.phantom],
      what: 'a row on a holiday: flat at the last close, volume 0; the index has none',
    },
    {
      kind: 'live-bar',
      symbols:
        live === undefined
          ? []
          : [...listedBy(live), INDEX_SYMBOL].filter((symbol) => hasRow(symbol, live)).sort(byCodeUnit),
      dates: live === undefined ? [] : [live],
      what: 'the last row has a time of 16:00 instead of 09:15',
    },
  ];
  const actions: CorporateAction[] = [
    ...plan.splits.map(({ kind, symbol, date, ratio }) => ({
      kind,
      symbol,
      date,
      numerator: ratio,
      denominator: 1,
    })),
    { kind: 'demerger' as const, ...plan.demerger },
    ...stocks.flatMap(({ symbol, dividends }) =>
      dividends.map(({ date, amount }) => ({ kind: 'dividend' as const, symbol, date, amount })),
    ),
  ];
  return {
    mode: 'seeded',
    seed: plan.seed,
    live_day: liveDay,
    from: WORLD_FROM,
    through,
    defects: defects
      .map((defect) => ({ ...defect, dates: defect.dates.filter((date) => date <= through) }))
      .filter(({ dates }) => dates.length > 0),
    actions: actions
      .filter(({ symbol, date }) => date <= through && (symbol !== plan.late.symbol || date > plan.late.from))
      .sort((a, b) => byCodeUnit(`${a.date} ${a.symbol}`, `${b.date} ${b.symbol}`)),
    index: {
      symbol: INDEX_SYMBOL,
      shares: Object.fromEntries(stocks.map(({ symbol, days }) => [symbol, days[0]?.shares ?? 0])),
      divisors: plan.days.flatMap(({ date }, day) =>
        date <= through && divisors[day] !== divisors[day - 1]
          ? [{ from: date, divisor: divisors[day] ?? 0 }]
          : [],
      ),
    },
  };
}
