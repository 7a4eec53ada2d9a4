import { isDate } from '../base/session.ts';

/** One row as a vendor sent it; `null` stands for an empty cell. Prices in the quoted currency, volume in shares. */
export interface Bar {
  /** Local date of the exchange, `YYYY-MM-DD`. */
  readonly date: string;
  readonly open: number | null;
  readonly high: number | null;
  readonly low: number | null;
  readonly close: number | null;
  /** Close after splits and dividends; `null` or absent = the same as `close`. */
  readonly adjClose?: number | null;
  readonly volume: number | null;
  /** Amount paid per share on the ex-date; absent = 0. */
  readonly dividend?: number;
  /** Numerator / denominator on the ex-date (2 for two new shares for one old); absent or 0 = none. */
  readonly split?: number;
}

/**
 * Rows of one symbol, column by column, all columns equally long.
 * `NaN` = the vendor left the cell empty; `dividend` and `split` are 0 where nothing happened.
 * The order of rows is the vendor's until the checks have sorted it.
 */
export interface Series {
  readonly symbol: string;
  /** Local dates of the exchange, `YYYY-MM-DD`. */
  readonly dates: readonly string[];
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
  readonly adjClose: Float64Array;
  readonly volume: Float64Array;
  readonly dividend: Float64Array;
  readonly split: Float64Array;
}

/** The numeric columns of a {@link Series} with their headings, in the order of the raw file. */
const HEADINGS = {
  open: 'Open',
  high: 'High',
  low: 'Low',
  close: 'Close',
  adjClose: 'Adj Close',
  volume: 'Volume',
  dividend: 'Dividends',
  split: 'Stock Splits',
} as const;

/** A numeric column of a {@link Series}. */
export type SeriesColumn = keyof typeof HEADINGS;

/** All of them, in the order of the raw file. */
export const SERIES_COLUMNS = Object.keys(HEADINGS) as SeriesColumn[];

function seriesOf(
  symbol: string,
  dates: readonly string[],
  column: (name: SeriesColumn) => Float64Array,
): Series {
  return {
    symbol,
    dates,
    open: column('open'),
    high: column('high'),
    low: column('low'),
    close: column('close'),
    adjClose: column('adjClose'),
    volume: column('volume'),
    dividend: column('dividend'),
    split: column('split'),
  };
}

/** What an empty cell of a column stands for. */
function emptyOf(name: SeriesColumn): number {
  return name === 'dividend' || name === 'split' ? 0 : NaN;
}

/** Puts rows into columns; nothing is sorted, checked or dropped. */
export function toSeries(symbol: string, bars: readonly Bar[]): Series {
  return seriesOf(
    symbol,
    bars.map(({ date }) => date),
    (name) => Float64Array.from(bars, (bar) => bar[name] ?? emptyOf(name)),
  );
}

/** The rows of a series with the given indices, in the given order; returns a new series. */
export function selectRows(series: Series, rows: readonly number[]): Series {
  return seriesOf(
    series.symbol,
    rows.map((row) => series.dates[row] ?? ''),
    (name) => Float64Array.from(rows, (row) => series[name][row] ?? NaN),
  );
}

/**
 * Factor per row that turns a price of this series into an adjusted one: `Adj Close / Close`.
 * 1 where the adjusted close is empty or the close is 0 or empty.
 */
export function adjustmentFactors(series: Series): Float64Array {
  return series.close.map((close, row) => {
    const adjusted = series.adjClose[row] ?? NaN;
    return Number.isNaN(adjusted) || Number.isNaN(close) || close === 0 ? 1 : adjusted / close;
  });
}

/** Header of a raw file, without its line end. */
export const RAW_CSV_HEADER: string = ['Date', ...Object.values(HEADINGS)].join(',');

/**
 * Text of `data/raw/<SYMBOL>.csv`: UTF-8, no BOM, LF, final newline, rows in the order of the series.
 * A number is the shortest decimal that reads back to the same double; an empty cell stands for `NaN`.
 */
export function formatRawCsv(series: Series): string {
  const lines = series.dates.map((date, row) =>
    [date, ...SERIES_COLUMNS.map((name) => formatCell(series[name][row] ?? NaN))].join(','),
  );
  return `${[RAW_CSV_HEADER, ...lines].join('\n')}\n`;
}

function formatCell(value: number): string {
  return Number.isNaN(value) ? '' : String(value);
}

/** A raw file that could be read, or where and why it could not; `line` counts from 1. */
export type RawCsv =
  | { readonly ok: true; readonly series: Series }
  | { readonly ok: false; readonly line: number; readonly detail: string };

const REQUIRED = ['open', 'high', 'low', 'close', 'volume'] as const;

const EMPTY_CELLS: ReadonlySet<string> = new Set(['', 'null', 'nan', 'none', 'n/a']);

/**
 * Reads daily bars by column name: any order, any letter case, unknown columns ignored; `Adj Close`, `Dividends`
 * and `Stock Splits` may be absent. Takes a BOM, CRLF, blank lines, dates with a time and zone (their local date
 * counts) and yfinance's three header lines (`Price,…`, `Ticker,…`, `Date,,…`). Rows keep the order of the file.
 * A missing required column, an impossible date or a cell that is no number gives `ok: false`.
 */
export function parseRawCsv(symbol: string, text: string): RawCsv {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  const header = (lines[0] ?? '').split(',').map((cell) => cell.trim().toLowerCase());
  const threeLines = header[0] === 'price';
  const dateColumn = threeLines ? 0 : header.indexOf('date');
  if (dateColumn < 0) return { ok: false, line: 1, detail: 'column "Date" is missing' };
  const columns = new Map<SeriesColumn, number>();
  for (const [index, name] of header.entries()) {
    const column = SERIES_COLUMNS.find((known) => HEADINGS[known].toLowerCase() === name);
    if (column === undefined) continue;
    if (columns.has(column)) return { ok: false, line: 1, detail: `column "${name}" is there twice` };
    columns.set(column, index);
  }
  for (const name of REQUIRED) {
    if (!columns.has(name)) return { ok: false, line: 1, detail: `column "${name}" is missing` };
  }

  const dates: string[] = [];
  const values = new Map<SeriesColumn, number[]>(SERIES_COLUMNS.map((name) => [name, []]));
  for (let line = threeLines ? 3 : 1; line < lines.length; line++) {
    const raw = lines[line] ?? '';
    if (raw.trim() === '') continue;
    const cells = raw.split(',');
    const date = parseLocalDate((cells[dateColumn] ?? '').trim());
    if (date === undefined) {
      return { ok: false, line: line + 1, detail: `"${cells[dateColumn] ?? ''}" is no date` };
    }
    dates.push(date);
    for (const [name, column] of values) {
      const at = columns.get(name);
      const cell = at === undefined ? '' : (cells[at] ?? '').trim();
      const value = EMPTY_CELLS.has(cell.toLowerCase()) ? emptyOf(name) : parseDecimal(cell);
      if (value === undefined) return { ok: false, line: line + 1, detail: `"${cell}" is no number` };
      column.push(value);
    }
  }
  return { ok: true, series: seriesOf(symbol, dates, (name) => Float64Array.from(values.get(name) ?? [])) };
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

function parseDecimal(cell: string): number | undefined {
  if (!DECIMAL.test(cell)) return undefined;
  const value = Number(cell);
  return Number.isFinite(value) ? value : undefined;
}

const LOCAL_DATE = /^(\d{4}-\d{2}-\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

function parseLocalDate(cell: string): string | undefined {
  const date = LOCAL_DATE.exec(cell)?.[1];
  return date !== undefined && isDate(date) ? date : undefined;
}
