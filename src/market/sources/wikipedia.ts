import { findMemberTable } from './find-table.ts';
import { checkHeadings } from './headings.ts';
import { parseHtml } from './html.ts';
import { loadPage } from './page.ts';
import type { HtmlPage, HtmlRow } from './html.ts';
import type { MemberSource, SourceRow } from './member-source.ts';

const URL_OF_PAGE = 'https://en.wikipedia.org/wiki/BSE_SENSEX';
const PLACE = 'en.wikipedia.org';

/** Wikipedia's table of components, by BSE code or symbol; last in line because anyone may edit it. */
export const wikipedia: MemberSource = async (context) => {
  const page = await loadPage(URL_OF_PAGE, context);
  const html = await parseHtml(page.text);
  checkHeadings(html, PLACE);
  return { url: page.url, pageSha256: page.sha256, rows: parseWikipedia(html) };
};

/** The rows of the table whose header has a ticker and a company column; a second one with the same id (the history of changes) has none. */
export function parseWikipedia(html: HtmlPage): readonly SourceRow[] {
  const ticker = /ticker|symbol|scrip|bse code/i;
  const company = /compan|name/i;
  const { headers, rows } = findMemberTable(html, {
    place: PLACE,
    headers: [ticker, company],
    key: (row, table) =>
      tickerOf(
        row,
        table.headers.findIndex((header) => ticker.test(header)),
      ),
    keyName: 'a BSE code or symbol in its ticker column',
  });
  const at = headers.findIndex((header) => ticker.test(header));
  const nameAt = headers.findIndex((header, index) => index !== at && company.test(header));
  return rows.map((row) => {
    const found = tickerOf(row, at) ?? '';
    return {
      name: row.cells[nameAt] ?? '',
      ...(/^\d{6}$/.test(found) ? { bseCode: found } : { nseSymbol: found }),
    };
  });
}

// `500820`, `BSE: 500820`, `RELIANCE`, `M&M`, `BAJAJ-AUTO`; the link of the cell may carry the code where its text does not.
function tickerOf(row: HtmlRow, at: number): string | undefined {
  const cell = row.cells[at] ?? '';
  const code = /\b[1-9]\d{5}\b/.exec(cell)?.[0];
  if (code !== undefined) return code;
  const linked = row.links.find(({ text }) => text === cell)?.href;
  const linkedCode = linked === undefined ? undefined : /\b[1-9]\d{5}\b/.exec(linked)?.[0];
  return linkedCode ?? /^(?:[A-Z]+:\s*)?([A-Z0-9&-]{2,})$/.exec(cell)?.[1];
}
