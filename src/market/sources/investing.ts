import { companyByName, companyOf } from '../crosswalk.ts';
import { MarketError } from '../market-error.ts';
import { findMemberTable } from './find-table.ts';
import { checkHeadings } from './headings.ts';
import { parseHtml } from './html.ts';
import { loadPage } from './page.ts';
import type { HtmlPage, HtmlRow } from './html.ts';
import type { MemberSource, SourceContext, SourceRow } from './member-source.ts';

const ORIGIN = 'https://www.investing.com';
const PLACE = 'www.investing.com';
const URL_OF_PAGE = `${ORIGIN}/indices/sensex-components`;

/** Investing.com's components page; members by pair id and by the tag of their page, others by their whole name or the ISIN on that page. */
export const investing: MemberSource = async (context) => {
  const page = await loadPage(URL_OF_PAGE, context);
  const html = await parseHtml(page.text);
  checkHeadings(html, PLACE);
  const rows: SourceRow[] = [];
  for (const row of parseInvesting(html)) rows.push(await completeRow(row, context));
  return { url: page.url, pageSha256: page.sha256, rows };
};

/** The rows of the table that links to `/equities/<tag>`, or of the data that newer pages carry in a script. */
export function parseInvesting(html: HtmlPage): readonly SourceRow[] {
  const data = html.scripts.get('__NEXT_DATA__');
  const fromData = data === undefined ? [] : parseNextData(data);
  if (fromData.length >= 15) return fromData;
  const { rows } = findMemberTable(html, {
    place: PLACE,
    headers: [],
    key: (row) => equityLink(row)?.tag,
    keyName: 'a link to /equities/',
  });
  return rows.map((row) => {
    const link = equityLink(row);
    const id = /^pair_(\d+)$/.exec(row.id)?.[1];
    return {
      name: link?.name ?? '',
      ...(id === undefined ? {} : { investingId: id }),
      ...(link === undefined ? {} : { investingTag: link.tag }),
    };
  });
}

function equityLink(row: HtmlRow): { readonly tag: string; readonly name: string } | undefined {
  for (const { href, text, title } of row.links) {
    const tag = toTag(href);
    if (tag !== undefined) return { tag, name: title === '' ? text : title };
  }
  return undefined;
}

// A tag may be followed by `?cid=<id>`, which names another listing of the same company.
function toTag(href: string): string | undefined {
  const url = URL.parse(href, ORIGIN);
  return url === null ? undefined : /^\/equities\/([^/]+)\/?$/.exec(url.pathname)?.[1];
}

function parseNextData(text: string): readonly SourceRow[] {
  const rows = new Map<string, SourceRow>();
  const visit = (value: unknown): void => {
    if (typeof value === 'string' && /^\s*[[{]/.test(value)) {
      // The page's state is itself JSON text inside the JSON.
      visit(parseOrNothing(value));
    } else if (Array.isArray(value)) {
      for (const entry of value) visit(entry);
    } else if (typeof value === 'object' && value !== null) {
      const record = value as Readonly<Record<string, unknown>>;
      const link = Object.values(record).find(
        (entry) => typeof entry === 'string' && entry.startsWith('/equities/'),
      );
      const tag = typeof link === 'string' ? toTag(link) : undefined;
      if (tag !== undefined && !rows.has(tag)) rows.set(tag, toRow(record, tag));
      for (const entry of Object.values(record)) visit(entry);
    }
  };
  visit(parseOrNothing(text));
  return [...rows.values()];
}

function toRow(record: Readonly<Record<string, unknown>>, investingTag: string): SourceRow {
  const pick = (...keys: readonly string[]): string | undefined => {
    const found = keys
      .map((key) => record[key])
      .find((entry) => typeof entry === 'string' || typeof entry === 'number');
    return found === undefined ? undefined : String(found);
  };
  const investingId = pick('pairId', 'pair_id', 'instrumentId', 'instrument_id', 'id');
  const isin = pick('isin', 'ISIN');
  return {
    name: pick('name', 'shortName', 'title') ?? '',
    investingTag,
    ...(investingId === undefined ? {} : { investingId }),
    ...(isin === undefined ? {} : { isin }),
  };
}

function parseOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// A company may have no known id or tag; then its whole name or the ISIN on its own page says who it is.
async function completeRow(row: SourceRow, context: SourceContext): Promise<SourceRow> {
  const { investingTag } = row;
  if (row.isin !== undefined || investingTag === undefined || companyOf(row) !== undefined) return row;
  const isin = companyByName(row.name)?.isins[0] ?? (await loadIsin(investingTag, context));
  return isin === undefined ? row : { ...row, isin };
}

async function loadIsin(tag: string, context: SourceContext): Promise<string | undefined> {
  try {
    const page = await loadPage(`${ORIGIN}/equities/${tag}`, context);
    return /\bIN[A-Z0-9]{9}\d\b/.exec((await parseHtml(page.text)).text)?.[0];
  } catch (error) {
    // The list then says which of its members stays unknown, which helps more than the URL of a lost page.
    if (error instanceof MarketError) return undefined;
    throw error;
  }
}
