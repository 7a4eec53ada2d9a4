import type { ChartSeries } from './series.ts';

/** Where chart answers come from: the seeded world or a folder of recorded files. */
export interface ChartBook {
  /** The whole series of a chart symbol, or undefined for a symbol it does not know. */
  series(symbol: string): Promise<ChartSeries | undefined>;
  /** What `GET /world/defects` answers. */
  facts(): WorldFacts;
}

/** A defect that was put into the answers on purpose: which rows of which chart symbols, and what is wrong there. */
export interface PlantedDefect {
  readonly kind:
    | 'halt'
    | 'missing-bar'
    | 'null-bar'
    | 'phantom-day'
    | 'index-gap'
    | 'late-listing'
    | 'live-bar';
  /** Chart symbols, ascending by code unit. */
  readonly symbols: readonly string[];
  /** ISO dates, ascending: the rows concerned; of a late listing the first day that has a row. */
  readonly dates: readonly string[];
  readonly what: string;
}

/** A corporate action of the seeded world; all but the demerger are also events of the chart answers. */
export type CorporateAction =
  | {
      readonly kind: 'split' | 'bonus';
      readonly symbol: string;
      readonly date: string;
      readonly numerator: number;
      readonly denominator: number;
    }
  | { readonly kind: 'demerger'; readonly symbol: string; readonly date: string; readonly factor: number }
  /** `amount` in rupees of the ex-date, per share of that day. */
  | { readonly kind: 'dividend'; readonly symbol: string; readonly date: string; readonly amount: number };

/** The truth about what the exchange serves: everything a cleaner should find, and nothing else. */
export interface WorldFacts {
  readonly mode: 'seeded' | 'data';
  readonly seed: string | null;
  readonly live_day: string | null;
  /** First and last date of the world; null for recorded files. */
  readonly from: string | null;
  readonly through: string | null;
  readonly defects: readonly PlantedDefect[];
  /** By date, then symbol. */
  readonly actions: readonly CorporateAction[];
  /** The index as a sum: closing price as traded times shares, divided; null for recorded files. */
  readonly index: {
    readonly symbol: string;
    /** Chart symbol → shares on the first day; a split multiplies them from its date on. */
    readonly shares: Readonly<Record<string, number>>;
    /** Date from which a divisor holds, and the divisor. */
    readonly divisors: readonly { readonly from: string; readonly divisor: number }[];
  } | null;
}
