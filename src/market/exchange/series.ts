/** One row of a chart answer; `time` in epoch seconds. A row without prices has null in every cell. */
export interface ChartRow {
  readonly time: number;
  /** Date in the exchange's zone, ISO. */
  readonly date: string;
  readonly open: number | null;
  readonly high: number | null;
  readonly low: number | null;
  readonly close: number | null;
  readonly adjClose: number | null;
  readonly volume: number | null;
}

/** A dividend in the currency of the series, per share as counted after all later splits. */
export interface ChartDividend {
  readonly time: number;
  readonly date: string;
  readonly amount: number;
}

/** A split: `numerator` new shares for `denominator` old ones. */
export interface ChartSplit {
  readonly time: number;
  readonly date: string;
  readonly numerator: number;
  readonly denominator: number;
}

/** Where a symbol trades: what the `meta` of a chart answer says about it. */
export interface Venue {
  readonly currency: string;
  readonly exchangeName: string;
  readonly fullExchangeName: string;
  readonly instrumentType: 'EQUITY' | 'INDEX';
  readonly zone: string;
  /** Abbreviation of the zone as the vendor prints it. */
  readonly zoneName: string;
  /** MIC of the calendar with its hours. */
  readonly mic: string;
}

/** All the exchange has on one symbol: rows ascending, in the vendor's form (prices adjusted for later splits, volumes too). */
export interface ChartSeries {
  readonly symbol: string;
  readonly name: string;
  readonly venue: Venue;
  readonly rows: readonly ChartRow[];
  readonly dividends: readonly ChartDividend[];
  readonly splits: readonly ChartSplit[];
}

const NSE: Venue = {
  currency: 'INR',
  exchangeName: 'NSI',
  fullExchangeName: 'NSE',
  instrumentType: 'EQUITY',
  zone: 'Asia/Kolkata',
  zoneName: 'IST',
  mic: 'XBOM',
};

const BSE_INDEX: Venue = { ...NSE, exchangeName: 'BSE', fullExchangeName: 'BSE', instrumentType: 'INDEX' };

const NSE_INDEX: Venue = { ...NSE, instrumentType: 'INDEX' };

const NEW_YORK: Venue = {
  currency: 'USD',
  exchangeName: 'NYQ',
  fullExchangeName: 'NYSE',
  instrumentType: 'EQUITY',
  zone: 'America/New_York',
  zoneName: 'EST',
  mic: 'XNYS',
};

/** The venue that a symbol's form tells: `.NS` and `.BO` India, `^BSESN` and `^NSEI` its indices, anything else New York. */
export function venueOf(symbol: string): Venue {
  if (symbol === '^BSESN') return BSE_INDEX;
  if (symbol === '^NSEI') return NSE_INDEX;
  if (symbol.endsWith('.NS')) return NSE;
  if (symbol.endsWith('.BO')) return { ...NSE, exchangeName: 'BSE', fullExchangeName: 'BSE' };
  return NEW_YORK;
}
