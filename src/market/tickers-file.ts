import type { SourceKind } from './market-http.ts';
import type { SourceName } from './sources/member-source.ts';

/** A member of the universe as `tickers.json` holds it. */
export interface TickerMember {
  /** As the chart API spells it: `M&M.NS`. Also the name of its raw file and of its place on the stock axis. */
  readonly symbol: string;
  readonly name: string;
  /** Six digits, or empty when unknown; so is `isin`. */
  readonly bse_code: string;
  readonly isin: string;
  /** Whether the chart API had bars of it in the weeks before the tick. */
  readonly validated: boolean;
  /** Why it is not validated. */
  readonly reason?: string;
  /** First day of membership and first day after it (ISO dates), null when unknown or still going on. */
  readonly from: string | null;
  readonly to: string | null;
}

/** The out of stage `tickers`: the universe with its provenance; members by code unit of symbol. */
export interface TickersFile {
  /** Where the bytes came from. */
  readonly source: SourceKind;
  /** Which publisher's list was accepted, its canonical URL, and the SHA-256 of the page that held it. */
  readonly list: SourceName;
  readonly url: string;
  readonly page_sha256: string;
  /** Local date of the tick. */
  readonly as_of: string;
  readonly members: readonly TickerMember[];
}

/** The file behind the text of `tickers.json`. Throws an Error naming the first part that is missing or of the wrong kind. */
export function parseTickers(text: string): TickersFile {
  const file = JSON.parse(text) as TickersFile;
  if (!Array.isArray(file?.members)) throw new Error('tickers.json: "members" must be a list');
  for (const [index, member] of file.members.entries()) {
    const { symbol, validated } = (member ?? {}) as Partial<TickerMember>;
    // The symbol becomes a file name.
    if (typeof symbol !== 'string' || !/^[A-Za-z0-9^&][A-Za-z0-9^&.=-]*$/.test(symbol)) {
      throw new Error(
        `tickers.json: "members[${index}].symbol" is ${JSON.stringify(symbol) ?? 'missing'}, not a symbol`,
      );
    }
    if (typeof validated !== 'boolean') {
      throw new Error(`tickers.json: "members[${index}].validated" must be true or false`);
    }
  }
  return file;
}
