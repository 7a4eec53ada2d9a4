import pLimit from 'p-limit';
import { MarketError } from '../market-error.ts';
import { REQUESTS_AT_ONCE } from '../market-http.ts';
import { findMemberTable } from './find-table.ts';
import { checkFragment, checkHeadings } from './headings.ts';
import { parseHtml } from './html.ts';
import { loadPage } from './page.ts';
import type { CompanyKeys } from '../crosswalk.ts';
import type { HtmlPage, HtmlRow } from './html.ts';
import type { MemberSource, SourceContext, SourceRow } from './member-source.ts';

const ORIGIN = 'https://www.moneycontrol.com';
const PLACE = 'www.moneycontrol.com';
// The page says which index it shows; the fragment, which the page loads its table from, does not. Index 4 is the SENSEX, 9 the NIFTY 50.
const URL_OF_PAGE = `${ORIGIN}/markets/indian-indices/bse-sensex-4.html`;
const URL_OF_TABLE = `${ORIGIN}/markets/indian-indices/changeTableData?exName=B&indicesID=4&selPage=marketTerminal`;

/** MoneyControl's index page; members by link to their stock page, which prints BSE code, NSE symbol and ISIN. */
export const moneycontrol: MemberSource = async (context) => {
  checkHeadings(await parseHtml((await loadPage(URL_OF_PAGE, context)).text), PLACE);
  const table = await loadPage(URL_OF_TABLE, context);
  const html = await parseHtml(table.text);
  checkFragment(html, PLACE);
  const rows = await followRows(parseMoneycontrolTable(html), context);
  return { url: table.url, pageSha256: table.sha256, rows };
};

/** A row of the index table: short name, and the stock page it links to. */
export interface MoneycontrolRow {
  readonly name: string;
  /** MoneyControl's own code of the company, the last part of the link. */
  readonly code: string;
  readonly url: string;
}

/** The rows of the table that links to stock pages (`…/stockpricequote/<industry>/<slug>/<CODE>`). */
export function parseMoneycontrolTable(html: HtmlPage): readonly MoneycontrolRow[] {
  const { rows } = findMemberTable(html, {
    place: PLACE,
    headers: [],
    key: (row) => stockLink(row)?.code,
    keyName: 'a link to a stock page',
  });
  return rows.map(stockLink).filter((row) => row !== undefined);
}

function stockLink(row: HtmlRow): MoneycontrolRow | undefined {
  for (const { href, text, title } of row.links) {
    const url = URL.parse(href, ORIGIN);
    const code =
      url === null ? undefined : /\/stockpricequote\/[^/]+\/[^/]+\/([A-Z0-9]+)\/?$/i.exec(url.pathname)?.[1];
    if (url !== null && code !== undefined) {
      return { name: text === '' ? title : text, code, url: `${ORIGIN}${url.pathname}` };
    }
  }
  return undefined;
}

/** What a stock page prints as BSE code, NSE symbol and ISIN; each absent when the page does not say it. */
export function parseStockPage(html: HtmlPage): CompanyKeys {
  const bseCode = /\bBSE\s*:?\s*(\d{6})\b/.exec(html.text)?.[1];
  const nseSymbol = /\bNSE\s*:?\s*([A-Z0-9][A-Z0-9&-]*)/.exec(html.text)?.[1];
  const isin = /\bISIN\s*:?\s*(IN[A-Z0-9]{9}\d)\b/.exec(html.text)?.[1];
  return {
    ...(bseCode === undefined ? {} : { bseCode }),
    ...(nseSymbol === undefined ? {} : { nseSymbol }),
    ...(isin === undefined ? {} : { isin }),
  };
}

// More links than an index of 30 can have: reading them all would only cost the site requests.
const MOST = 40;

async function followRows(
  rows: readonly MoneycontrolRow[],
  context: SourceContext,
): Promise<readonly SourceRow[]> {
  if (rows.length > MOST) {
    throw new MarketError('source.not-sensex', `${PLACE}: the table has ${rows.length} members`);
  }
  const limit = pLimit(REQUESTS_AT_ONCE);
  // One page that fails ends the source: what still waits in the queue or for another try must not go on beside the next source.
  const failure = new AbortController();
  const signal = AbortSignal.any([context.signal, failure.signal]);
  return Promise.all(
    rows.map((row) =>
      limit(async () => {
        try {
          const page = await loadPage(row.url, { ...context, signal });
          return { name: row.name, ...parseStockPage(await parseHtml(page.text)) };
        } catch (error) {
          failure.abort(error);
          throw error;
        }
      }),
    ),
  );
}
