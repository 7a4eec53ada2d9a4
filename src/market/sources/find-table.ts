import { MarketError } from '../market-error.ts';
import type { HtmlPage, HtmlRow, HtmlTable } from './html.ts';

/** What makes a table the list of members: words of its header, and a key that can be read from each row of a member. */
export interface TableMeaning {
  /** Name of the page in messages. */
  readonly place: string;
  /** Each must match at least one header cell; none for tables whose header says nothing. */
  readonly headers: readonly RegExp[];
  /** What identifies a row's member, or undefined for a row that is none. */
  readonly key: (row: HtmlRow, table: HtmlTable) => string | undefined;
  /** What the key is, in messages: `a link to a stock page`. */
  readonly keyName: string;
}

// Pages carry side tables (movers, news) with a few such links; the list itself has 30.
const FEWEST = 15;

/**
 * The table that holds the members, found by meaning and not by id or class: the first with the header's words and 15 or more
 * rows with a key (a history of changes may follow with as many). Its rows are those with a key; a member that is listed twice
 * counts once. Errors: `source.empty` when such a header is there and nothing on the page has a key, else `source.no-table`; both
 * tell what was missing.
 */
export function findMemberTable(page: HtmlPage, meaning: TableMeaning): HtmlTable {
  const candidates = page.tables.map((table) => ({
    missing: meaning.headers.filter((word) => !table.headers.some((header) => word.test(header))),
    rows: distinctRows(table, meaning.key),
    table,
  }));
  const named = candidates.filter(({ missing }) => missing.length === 0);
  const found = named.find(({ rows }) => rows.length >= FEWEST);
  if (found !== undefined) return { headers: found.table.headers, rows: found.rows };

  const { place, keyName } = meaning;
  if (
    named.some(({ table }) => table.headers.length > 0) &&
    candidates.every(({ rows }) => rows.length === 0)
  ) {
    throw new MarketError('source.empty', `${place}: the table is there, but no row has ${keyName}`);
  }
  const most = Math.max(0, ...candidates.map(({ rows }) => rows.length));
  const words = candidates
    .map(({ missing }) => missing)
    .reduce<readonly RegExp[]>(
      (least, missing) => (missing.length < least.length ? missing : least),
      meaning.headers,
    );
  throw new MarketError(
    'source.no-table',
    `${place}: none of ${candidates.length} tables is the list; the best has ${most} rows with ${keyName}` +
      (words.length === 0 ? '' : `, and no header says ${words.map((word) => word.source).join(' or ')}`),
  );
}

function distinctRows(table: HtmlTable, key: TableMeaning['key']): HtmlRow[] {
  const byKey = new Map<string, HtmlRow>();
  for (const row of table.rows) {
    const found = key(row, table);
    if (found !== undefined && !byKey.has(found)) byKey.set(found, row);
  }
  return [...byKey.values()];
}
