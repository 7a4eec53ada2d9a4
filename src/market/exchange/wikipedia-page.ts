import { SENSEX } from '../crosswalk.ts';
import { escapeHtml, toHtmlPage } from './listing.ts';
import type { Listing, PageTwist } from './listing.ts';

/** Wikipedia's article: the list of components and, under the same id, the history of changes; headers carry footnote marks. */
export function formatWikipediaPage(listings: readonly Listing[], twist: PageTwist): string {
  const id = twist === 'renamed' ? 'components_list' : 'constituents';
  const rows = (twist === 'empty' ? [] : listings).map(({ company, industry, shortName }, index) => {
    const code = company.bseCode;
    const link = `<a rel="nofollow" class="external text" href="https://www.bseindia.com/bseplus/StockReach/StockQuote/Equity/x/x/${code}">${code}</a>`;
    const name = escapeHtml(shortName);
    return `<tr><td>${index + 1}</td><td>${link}</td><td><a href="/wiki/X" title="${name}">${name}</a></td><td>${escapeHtml(industry)}</td><td>${company.from ?? ''}</td></tr>`;
  });
  const changes = SENSEX.filter((company) => company.from !== undefined || company.to !== undefined).map(
    ({ symbol, from, to }) =>
      `<tr><td>${to ?? from ?? ''}</td><td>${escapeHtml(symbol)}</td><td>${to === undefined ? 'added' : 'removed'}</td></tr>`,
  );
  return toHtmlPage(
    'BSE SENSEX - Wikipedia',
    `<h1 id="firstHeading">BSE SENSEX</h1>
<table class="wikitable sortable" id="${id}">
<tbody><tr><th>#</th><th>Exchange ticker</th><th>Companies</th><th>Sector<sup id="cite_ref-2" class="reference"><a href="#cite_note-2">&#91;2&#93;</a></sup></th><th>Date added<sup id="cite_ref-3" class="reference"><a href="#cite_note-3">&#91;3&#93;</a></sup></th></tr>
${rows.join('\n')}
</tbody></table>
<h2>Changes</h2>
<table class="wikitable" id="${id}">
<tbody><tr><th>Date</th><th>Name</th><th>Change</th></tr>
${changes.join('\n')}
</tbody></table>`,
  );
}
