import type { RetryPolicy } from '../retry.ts';
import type { MarketHttp } from '../market-http.ts';

/** A page as text, with the hash (SHA-256, hex) of the bytes it was read from. */
export interface Page {
  readonly url: string;
  readonly sha256: string;
  readonly text: string;
}

/** The places that publish the members of the SENSEX, by name. */
export type SourceName = 'bse' | 'moneycontrol' | 'investing' | 'wikipedia';

/** One member as a source prints it; only what the page says, nothing looked up. */
export interface SourceRow {
  readonly name: string;
  readonly bseCode?: string;
  readonly isin?: string;
  readonly nseSymbol?: string;
  readonly investingId?: string;
  readonly investingTag?: string;
}

/** A source's list with where it came from. */
export interface SourceList {
  readonly source: SourceName;
  /** Canonical URL of the page that holds the list. */
  readonly url: string;
  /** SHA-256 (hex) of that page's bytes as served. */
  readonly pageSha256: string;
  /** What the source itself calls the list: headings of the page, or the index asked for where the answer has no heading. */
  readonly headings: readonly string[];
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
 * One publisher of the member list. `load` reads its pages and returns the list as printed; whether that is the SENSEX is decided
 * elsewhere. Errors: `http.*` of the network, `source.blocked` (a page for humans or a captcha instead of the data),
 * `source.no-table` (the list is not where its meaning says), `source.empty` (it is there without rows), `source.not-sensex`
 * (the page says that it is another index).
 */
export interface MemberSource {
  readonly name: SourceName;
  load(context: SourceContext): Promise<SourceList>;
}
