import type { CompanyKeys } from '../crosswalk.ts';
import type { RetryPolicy } from '../retry.ts';
import type { MarketHttp } from '../market-http.ts';

/** A page as text, with the hash (SHA-256, hex) of the bytes it was read from. */
export interface Page {
  readonly url: string;
  readonly sha256: string;
  readonly text: string;
}

/** The places that publish the members of the SENSEX, in the order in which they are asked: the publisher of the index first, what anyone may edit last. */
export const SOURCE_NAMES = ['bse', 'moneycontrol', 'investing', 'wikipedia'] as const;

/** One of them. */
export type SourceName = (typeof SOURCE_NAMES)[number];

/** One member as a source prints it; only what the page says, nothing looked up. */
export interface SourceRow extends CompanyKeys {
  readonly name: string;
}

/** A source's list with where it came from. */
export interface SourceList {
  /** Canonical URL of the page that holds the list. */
  readonly url: string;
  /** SHA-256 (hex) of that page's bytes as served. */
  readonly pageSha256: string;
  readonly rows: readonly SourceRow[];
}

/** What a source needs to read its pages. */
export interface SourceContext {
  readonly http: MarketHttp;
  readonly retry: RetryPolicy;
  readonly signal: AbortSignal;
  /** Hears of each page that was read, before anyone tries to understand it. */
  readonly onPage?: (page: Page) => void;
}

/**
 * One publisher of the member list: reads its pages and returns the list as printed; whether its members are those of the SENSEX is
 * decided elsewhere. Errors: `http.*` of the network, `source.blocked` (a page for humans or a captcha instead of the data),
 * `source.no-table` (the list is not where its meaning says), `source.empty` (it is there without rows), `source.not-sensex`
 * (the page says that it is another index).
 */
export type MemberSource = (context: SourceContext) => Promise<SourceList>;
