import { formatBseJson } from './bse-pages.ts';
import { toChartAnswer, toUnknownSymbolAnswer } from './chart.ts';
import { formatInvestingPage } from './investing-page.ts';
import { createListings } from './listing.ts';
import {
  formatMoneycontrolPage,
  formatMoneycontrolStock,
  formatMoneycontrolTable,
} from './moneycontrol-pages.ts';
import { formatNseMaster } from './nse-master.ts';
import { formatWikipediaPage } from './wikipedia-page.ts';
import type { ChartBook } from './book.ts';
import type { Listing, PageTwist } from './listing.ts';

/** A request as the routes see it: decoded path segments. */
export interface ExchangeRequest {
  readonly path: readonly string[];
  readonly query: URLSearchParams;
  readonly twist: PageTwist;
}

/** An answer before faults touch it. */
export interface ExchangeReply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** What the routes answer from. */
export interface RouteOptions {
  readonly book: ChartBook;
  /** The day that the source pages carry. */
  readonly date: string;
}

const JSON_TYPE = 'application/json;charset=utf-8';
const HTML_TYPE = 'text/html; charset=utf-8';
const CSV_TYPE = 'text/csv; charset=utf-8';

/** The answer to each request: charts, the source pages under their prefixes, `/health`, `/world/defects`; 404 for anything else. */
export function createRoutes({
  book,
  date,
}: RouteOptions): (request: ExchangeRequest) => Promise<ExchangeReply> {
  const listings = async (): Promise<readonly Listing[]> =>
    createListings(async (symbol) => {
      // A stock whose recorded file cannot be read is a member all the same: only the request for its chart fails.
      const series = await book.series(symbol).catch(() => undefined);
      return series?.rows.findLast(({ close }) => close !== null)?.close ?? undefined;
    });

  return async ({ path, query, twist }) => {
    const [area, ...rest] = path;
    const place = rest.join('/');
    switch (area) {
      case 'health':
        return toJson(200, { status: 'ok' });
      case 'world':
        return place === 'defects' ? toJson(200, book.facts()) : toNotFound(path);
      case 'v8': {
        const symbol = path[3];
        if (path[1] !== 'finance' || path[2] !== 'chart' || symbol === undefined) return toNotFound(path);
        const series = await book.series(symbol);
        if (series === undefined) return toJson(404, toUnknownSymbolAnswer().body);
        if (twist === 'empty') {
          // No row is newer than the newest.
          query.set('period1', String((series.rows.at(-1)?.time ?? 0) + 1));
          query.delete('period2');
        }
        const { status, body } = toChartAnswer(series, query);
        return toJson(status, body);
      }
      case 'bseindices':
        return place === 'AsiaIndexAPI/api/Codewise_Indices/w'
          ? {
              status: 200,
              type: JSON_TYPE,
              body: formatBseJson(await listings(), { code: query.get('code'), date, twist }),
            }
          : toNotFound(path);
      case 'moneycontrol':
        return answerMoneycontrol(rest, query, { listings: await listings(), twist }) ?? toNotFound(path);
      case 'investing':
        return place === 'indices/sensex-components'
          ? toHtml(formatInvestingPage(await listings(), twist))
          : toNotFound(path);
      case 'wikipedia':
        return place === 'wiki/BSE_SENSEX'
          ? toHtml(formatWikipediaPage(await listings(), twist))
          : toNotFound(path);
      case 'nse':
        return place === 'content/equities/EQUITY_L.csv'
          ? { status: 200, type: CSV_TYPE, body: formatNseMaster(twist) }
          : toNotFound(path);
      default:
        return toNotFound(path);
    }
  };
}

interface PageInput {
  readonly listings: readonly Listing[];
  readonly twist: PageTwist;
}

function answerMoneycontrol(
  path: readonly string[],
  query: URLSearchParams,
  { listings, twist }: PageInput,
): ExchangeReply | undefined {
  if (path[0] === 'india' && path[1] === 'stockpricequote') {
    const page = formatMoneycontrolStock(listings, path.at(-1) ?? '');
    return page === undefined ? undefined : toHtml(page);
  }
  if (path[0] !== 'markets' || path[1] !== 'indian-indices') return undefined;
  if (path[2] === 'changeTableData') {
    // 4 is the SENSEX; the lists of other indices are not simulated and come without rows.
    const isSensex = query.get('indicesID') === '4';
    return toHtml(formatMoneycontrolTable(listings, isSensex ? twist : 'empty'));
  }
  return path[2] === 'bse-sensex-4.html' ? toHtml(formatMoneycontrolPage(listings, twist)) : undefined;
}

function toHtml(body: string): ExchangeReply {
  return { status: 200, type: HTML_TYPE, body };
}

function toJson(status: number, value: unknown): ExchangeReply {
  return { status, type: JSON_TYPE, body: JSON.stringify(value) };
}

function toNotFound(path: readonly string[]): ExchangeReply {
  return toJson(404, { error: `nothing is at /${path.join('/')}` });
}
