import { localDate } from '../../base/session.ts';
import { toSeries } from '../bars.ts';
import type { Bar, Series } from '../bars.ts';

/** Local dates, both included, in the zone of the exchange that is asked about. */
export interface ChartPeriod {
  readonly from: string;
  readonly to: string;
  readonly zone: string;
}

/** The part of a chart answer that is used; dates are instants, any number of a quote may be null. */
export interface ChartAnswer {
  readonly meta: {
    readonly currency: string;
    readonly exchangeTimezoneName: string;
    readonly firstTradeDate: Date | null;
  };
  readonly quotes: readonly {
    readonly date: Date;
    readonly open: number | null;
    readonly high: number | null;
    readonly low: number | null;
    readonly close: number | null;
    readonly volume: number | null;
    readonly adjclose?: number | null;
  }[];
  readonly events?: {
    readonly dividends?: readonly { readonly date: Date; readonly amount: number }[];
    readonly splits?: readonly {
      readonly date: Date;
      readonly numerator: number;
      readonly denominator: number;
    }[];
  };
}

/** Daily bars of one symbol as the vendor sent them, with what its answer says about the series. */
export interface ChartSeries {
  /** Currency of the prices as the vendor writes it; ends lower case for minor units (`GBp`). */
  readonly currency: string;
  /** Local date of the first bar the vendor has ever had, when it says so. */
  readonly firstTradeDate: string | undefined;
  readonly series: Series;
}

/** `localDateOf` gives the ISO date of an instant (epoch ms) in a zone. */
export interface ChartSeriesOptions {
  readonly symbol: string;
  readonly period: ChartPeriod;
  readonly localDateOf: (ms: number, zone: string) => string;
}

/**
 * The rows of an answer that lie inside the period, untouched, in the vendor's order, dated in the exchange's own zone.
 * A dividend or split stands on every row of its date, or of the next date that has a row; dividends of one row add up, splits
 * multiply. A split after the period has a row of its own, behind the others and without prices, for all rows before it are
 * in its units. An event after the last row of the answer is left out, for it has changed no price yet.
 */
export function toChartSeries(answer: ChartAnswer, options: ChartSeriesOptions): ChartSeries {
  const { symbol, period, localDateOf } = options;
  const toDate = (ms: number): string => localDateOf(ms, answer.meta.exchangeTimezoneName);
  const quotes = answer.quotes
    .map((quote) => ({ ...quote, date: toDate(quote.date.getTime()) }))
    .filter(({ date }) => period.from <= date);
  const days = [...new Set(quotes.map(({ date }) => date))].sort();
  const rowDate = (instant: Date): string | undefined => {
    const date = toDate(instant.getTime());
    return date < period.from ? undefined : days.find((day) => day >= date);
  };

  const dividends = new Map<string, number>();
  for (const { date, amount } of answer.events?.dividends ?? []) {
    const day = rowDate(date);
    if (day !== undefined) dividends.set(day, (dividends.get(day) ?? 0) + amount);
  }
  const splits = new Map<string, number>();
  for (const { date, numerator, denominator } of answer.events?.splits ?? []) {
    const day = rowDate(date);
    if (day !== undefined) splits.set(day, (splits.get(day) ?? 1) * (numerator / denominator));
  }

  const bars = quotes
    .filter(({ date }) => date <= period.to)
    .map(({ date, open, high, low, close, volume, adjclose }): Bar => ({
      date,
      open,
      high,
      low,
      close,
      adjClose: adjclose ?? null,
      volume,
      dividend: dividends.get(date) ?? 0,
      split: splits.get(date) ?? 0,
    }));
  const later = bars.length === 0 ? [] : days.filter((date) => date > period.to && splits.has(date));
  const { currency, firstTradeDate } = answer.meta;
  return {
    currency,
    firstTradeDate: firstTradeDate === null ? undefined : toDate(firstTradeDate.getTime()),
    series: toSeries(symbol, [...bars, ...later.map((date) => toSplitRow(date, splits.get(date) ?? 0))]),
  };
}

function toSplitRow(date: string, split: number): Bar {
  return { date, open: null, high: null, low: null, close: null, volume: null, split };
}

/** Local dates that remember what they converted: a conversion is dear, and all stocks of an exchange have the same instants. */
export function createLocalDates(): (ms: number, zone: string) => string {
  const known = new Map<string, string>();
  return (ms, zone) => {
    const key = `${ms} ${zone}`;
    const date = known.get(key) ?? localDate(ms, zone);
    known.set(key, date);
    return date;
  };
}
