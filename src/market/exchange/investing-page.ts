import { escapeHtml, toHtmlPage } from './listing.ts';
import type { Listing, PageTwist } from './listing.ts';

const HEADING = 'BSE Sensex 30 (BSESN)';

/** Investing.com's page of components: rows by pair id, links by tag, no code and no ISIN. `next` is the newer page made by scripts. */
export function formatInvestingPage(listings: readonly Listing[], twist: PageTwist): string {
  const rows = twist === 'empty' ? [] : listings;
  return twist === 'next' ? formatNextPage(rows) : formatClassicPage(rows, twist);
}

function formatClassicPage(listings: readonly Listing[], twist: PageTwist): string {
  const isRenamed = twist === 'renamed';
  const table = isRenamed
    ? 'id="components_7" class="dataTable"'
    : 'id="cr1" class="genTbl closedTbl crossRatesTbl elpTbl"';
  const cell = isRenamed ? 'name' : 'bold left noWrap elp plusIconTd';
  const rows = listings.map(({ company, pairId, pairTag, last }, index) => {
    // Some links of the real page carry the id of another listing of the same company.
    const query = index % 10 === 9 ? '?cid=1' : '';
    const name = escapeHtml(company.name);
    return `<tr id="pair_${pairId}"><td class="flag"></td><td class="${cell}"><a href="/equities/${pairTag}${query}" title="${name}">${name}</a></td><td class="pid-${pairId}-last">${last}</td></tr>`;
  });
  return toHtmlPage(
    'BSE Sensex 30 Index Components - Investing.com',
    `<h1>${HEADING}</h1>
<table class="sideTable"><thead><tr><th>Name</th><th>Last</th></tr></thead><tbody><tr><td><a href="/indices/s-p-cnx-nifty" title="Nifty 50">Nifty 50</a></td><td>-</td></tr></tbody></table>
<table ${table}>
<thead><tr><th></th><th>Name</th><th>Last</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>`,
  );
}

function formatNextPage(listings: readonly Listing[]): string {
  const rows = listings.map(
    ({ company, pairTag, last }) =>
      `<tr><td><a href="/equities/${pairTag}">${escapeHtml(company.name)}</a></td><td>${last}</td></tr>`,
  );
  const collection = listings.map(({ company, pairId, pairTag, last }) => ({
    id: pairId,
    url: `/equities/${pairTag}`,
    name: company.name,
    last,
  }));
  // The state is JSON text inside JSON; `<` must not end the script early.
  const state = JSON.stringify({ assetsCollectionStore: { assetsCollection: { _collection: collection } } });
  const data = JSON.stringify({ props: { pageProps: { state } } }).replaceAll('<', '\\u003c');
  return toHtmlPage(
    'BSE Sensex 30 Index Components - Investing.com',
    `<h1>${HEADING}</h1>
<div id="__next"><table data-test="dynamic-table"><thead><tr><th>Name</th><th>Last</th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table></div>
<script id="__NEXT_DATA__" type="application/json">${data}</script>`,
  );
}
