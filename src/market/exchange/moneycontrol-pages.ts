import { escapeHtml, toHtmlPage, toSlug } from './listing.ts';
import type { Listing, PageTwist } from './listing.ts';

const STOCK_PAGES = 'https://www.moneycontrol.com/india/stockpricequote';

/** MoneyControl's table of an index as a fragment: short names that link to stock pages, neither code nor ISIN. */
export function formatMoneycontrolTable(listings: readonly Listing[], twist: PageTwist): string {
  const rows = (twist === 'empty' ? [] : listings).map(({ industry, shortName, portalCode, last }) => {
    const href = `${STOCK_PAGES}/${toSlug(industry)}/${toSlug(shortName)}/${portalCode}`;
    return `<tr><td><a href="${href}" target="_blank">${escapeHtml(shortName)}</a></td><td>${escapeHtml(industry)}</td><td>${last}</td></tr>`;
  });
  const id = twist === 'renamed' ? 'tblComponents_v2' : 'indicesTable';
  return `<table id="${id}" role="grid" class="tablesorter">
<thead><tr><th>Stock Name</th><th>Sector</th><th>LTP</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
`;
}

/** The whole page of the SENSEX around that table. */
export function formatMoneycontrolPage(listings: readonly Listing[], twist: PageTwist): string {
  const box = twist === 'renamed' ? 'component-list' : 'indices';
  return toHtmlPage(
    'S&P BSE SENSEX: Index, Companies, Live Price | Moneycontrol',
    `<h1>S&amp;P BSE SENSEX</h1>
<div id="top_gainers"><table><thead><tr><th>Index</th><th>Value</th></tr></thead><tbody><tr><td>NIFTY 50</td><td>-</td></tr></tbody></table></div>
<div class="${box}">
${formatMoneycontrolTable(listings, twist)}</div>`,
  );
}

/** A stock's own page, by MoneyControl's code: prints BSE code, NSE symbol and ISIN. Undefined for a code that is none of ours. */
export function formatMoneycontrolStock(
  listings: readonly Listing[],
  portalCode: string,
): string | undefined {
  const listing = listings.find((candidate) => candidate.portalCode === portalCode);
  if (listing === undefined) return undefined;
  const { company, industry, shortName, last } = listing;
  return toHtmlPage(
    `${shortName} Share Price Today | Moneycontrol`,
    `<h1>${escapeHtml(shortName)}</h1>
<p class="bsns_pcst">BSE: <span>${company.bseCode}</span> | NSE: <span>${escapeHtml(company.symbol)}</span> | ISIN: <span>${company.isins[0] ?? ''}</span> | SECTOR: <span>${escapeHtml(industry)}</span></p>
<div class="inprice1">${last}</div>`,
  );
}
