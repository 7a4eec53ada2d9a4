import { MEMBERS } from '../crosswalk.ts';
import type { Company } from '../crosswalk.ts';

/** How a page is spoiled on purpose; `next` is Investing's newer layout. */
export type PageTwist = 'empty' | 'renamed' | 'next' | undefined;

/** A member as the source pages list it. */
export interface Listing {
  readonly company: Company;
  readonly industry: string;
  /** The name without `Limited`, as portals print it. */
  readonly shortName: string;
  /** MoneyControl's own code of the stock; says nothing by itself. */
  readonly portalCode: string;
  /** Investing.com's pair id and tag; invented (9…) where the crosswalk has none, because a page has one for every row. */
  readonly pairId: string;
  readonly pairTag: string;
  /** Last close with two decimals, or `-` when the exchange has no series of it that can be read. */
  readonly last: string;
}

const INDUSTRIES: Readonly<Record<string, readonly string[]>> = {
  'Private Sector Bank': ['AXISBANK', 'HDFCBANK', 'ICICIBANK', 'KOTAKBANK'],
  'Public Sector Bank': ['SBIN'],
  'Computers - Software & Consulting': ['HCLTECH', 'INFY', 'TCS', 'TECHM'],
  'Non Banking Financial Company': ['BAJAJFINSV', 'BAJFINANCE'],
  'Power Generation': ['NTPC'],
  'Power - Transmission': ['POWERGRID'],
  'Passenger Cars & Utility Vehicles': ['M&M', 'MARUTI'],
  'Refineries & Marketing': ['RELIANCE'],
  'Civil Construction': ['LT'],
  'Diversified FMCG': ['HINDUNILVR', 'ITC'],
  'Cement & Cement Products': ['ULTRACEMCO'],
};

function industryOf(symbol: string): string {
  return Object.entries(INDUSTRIES).find(([, symbols]) => symbols.includes(symbol))?.[0] ?? 'Others';
}

/** The 30 present members in the order of their symbols; `lastOf` gives the last close of a chart symbol. */
export async function createListings(
  lastOf: (symbol: string) => Promise<number | undefined>,
): Promise<readonly Listing[]> {
  return Promise.all(
    MEMBERS.map(async (company, index) => {
      const last = await lastOf(`${company.symbol}.NS`);
      return {
        company,
        industry: industryOf(company.symbol),
        shortName: company.name.replace(/ (?:Limited|Ltd\.?)$/, ''),
        portalCode: toPortalCode(company.name, index),
        pairId: company.investingId ?? String(9_000_000 + index),
        pairTag: company.investingTag ?? toSlug(company.name),
        last: last === undefined ? '-' : last.toFixed(2),
      };
    }),
  );
}

function toPortalCode(name: string, index: number): string {
  const initials = name.match(/\b[A-Z]/g)?.join('') ?? 'X';
  return `${initials.slice(0, 3)}${String(index + 1).padStart(2, '0')}`;
}

/** A text as part of a path: lower case letters and digits joined by hyphens. */
export function toSlug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

/** A text for use inside markup and double-quoted attributes. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** A whole page around a body. */
export function toHtmlPage(title: string, body: string): string {
  return `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head>
<body>
${body}
</body>
</html>
`;
}
