import { sessionOn, zonedInstantMs } from '../../base/session.ts';
import { calendarFor } from '../calendar.ts';
import type { ChartRow, ChartSeries } from './series.ts';

/** A chart answer: HTTP status and the body's value. */
export interface ChartAnswer {
  readonly status: 200 | 400 | 404;
  readonly body: unknown;
}

const RANGES = ['1d', '5d', '1mo', '3mo', '6mo', '1y', '2y', '5y', '10y', 'ytd', 'max'];

/** The answer for a symbol that the exchange does not know, as recorded. */
export function toUnknownSymbolAnswer(): ChartAnswer {
  return toErrorAnswer(404, 'Not Found', 'No data found, symbol may be delisted');
}

function toErrorAnswer(status: 400 | 404, code: string, description: string): ChartAnswer {
  return { status, body: { chart: { result: null, error: { code, description } } } };
}

/**
 * The vendor's v8 chart answer with daily rows `period1 ≤ time < period2` (epoch seconds; all rows without them) and those of
 * `events=div|split` that lie inside. A range without rows has no `timestamp` and empty indicators; a bad query is status 400.
 */
export function toChartAnswer(series: ChartSeries, query: URLSearchParams): ChartAnswer {
  const interval = query.get('interval') ?? '1d';
  if (interval !== '1d') {
    return toErrorAnswer(
      400,
      'Bad Request',
      `Invalid input - interval=${interval} is not supported here, only 1d`,
    );
  }
  const from = toSeconds(query.get('period1'), 0);
  const until = toSeconds(query.get('period2'), Number.MAX_SAFE_INTEGER);
  if (from === undefined || until === undefined) {
    return toErrorAnswer(400, 'Bad Request', 'Invalid input - period1 and period2 must be epoch seconds');
  }
  if (from >= until) {
    const said = `startDate = ${from}, endDate = ${until}`;
    return toErrorAnswer(400, 'Bad Request', `Invalid input - start date cannot be after end date. ${said}`);
  }
  const rows = series.rows.filter(({ time }) => from <= time && time < until);
  const events = toEvents(series, { from, until, wanted: (query.get('events') ?? '').split(/[|,]/) });
  const meta = toMeta(series, from);
  const result =
    rows.length === 0
      ? { meta, indicators: { quote: [{}], adjclose: [{}] } }
      : {
          meta,
          timestamp: rows.map(({ time }) => time),
          ...(events === undefined ? {} : { events }),
          indicators: { quote: [toQuote(rows)], adjclose: [{ adjclose: rows.map((row) => row.adjClose) }] },
        };
  return { status: 200, body: { chart: { result: [result], error: null } } };
}

function toSeconds(text: string | null, fallback: number): number | undefined {
  if (text === null) return fallback;
  return /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function toQuote(rows: readonly ChartRow[]): object {
  return {
    open: rows.map((row) => row.open),
    high: rows.map((row) => row.high),
    low: rows.map((row) => row.low),
    close: rows.map((row) => row.close),
    volume: rows.map((row) => row.volume),
  };
}

interface EventRange {
  readonly from: number;
  readonly until: number;
  readonly wanted: readonly string[];
}

function toEvents(series: ChartSeries, { from, until, wanted }: EventRange): object | undefined {
  const isInside = ({ time }: { readonly time: number }): boolean => from <= time && time < until;
  const dividends = wanted.includes('div') ? series.dividends.filter(isInside) : [];
  const splits = wanted.includes('split') ? series.splits.filter(isInside) : [];
  if (dividends.length + splits.length === 0) return undefined;
  return {
    ...(dividends.length === 0
      ? {}
      : {
          dividends: Object.fromEntries(dividends.map(({ time, amount }) => [time, { amount, date: time }])),
        }),
    ...(splits.length === 0
      ? {}
      : {
          splits: Object.fromEntries(
            splits.map(({ time, numerator, denominator }) => [
              time,
              { date: time, numerator, denominator, splitRatio: `${numerator}:${denominator}` },
            ]),
          ),
        }),
  };
}

function toMeta(series: ChartSeries, from: number): object {
  const { symbol, name, venue, rows } = series;
  const priced = rows.filter(({ close }) => close !== null);
  const last = priced.at(-1);
  const before = priced.findLast(({ time }) => time < from);
  const date = last?.date ?? '1970-01-01';
  const session = sessionOn(calendarFor(venue.mic), date);
  const openMs = session?.openMs ?? (last?.time ?? 0) * 1000;
  const closeMs = session?.closeMs ?? openMs;
  const gmtoffset = (Date.parse(`${date}T12:00Z`) - zonedInstantMs(date, '12:00', venue.zone)) / 1000;
  const period = (startMs: number, endMs: number): object => ({
    timezone: venue.zoneName,
    start: startMs / 1000,
    end: endMs / 1000,
    gmtoffset,
  });
  return {
    currency: venue.currency,
    symbol,
    exchangeName: venue.exchangeName,
    fullExchangeName: venue.fullExchangeName,
    instrumentType: venue.instrumentType,
    firstTradeDate: rows[0]?.time ?? 0,
    regularMarketTime: closeMs / 1000,
    hasPrePostMarketData: false,
    gmtoffset,
    timezone: venue.zoneName,
    exchangeTimezoneName: venue.zone,
    regularMarketPrice: last?.close ?? 0,
    regularMarketDayHigh: last?.high ?? 0,
    regularMarketDayLow: last?.low ?? 0,
    regularMarketVolume: last?.volume ?? 0,
    longName: name,
    shortName: name,
    ...(before === undefined ? {} : { chartPreviousClose: before.close }),
    priceHint: 2,
    currentTradingPeriod: {
      pre: period(openMs, openMs),
      regular: period(openMs, closeMs),
      post: period(closeMs, closeMs),
    },
    dataGranularity: '1d',
    range: '',
    validRanges: RANGES,
  };
}
