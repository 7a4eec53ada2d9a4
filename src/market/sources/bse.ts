import { MarketError } from '../market-error.ts';
import { checkFragment } from './headings.ts';
import { parseHtml } from './html.ts';
import { loadPage } from './page.ts';
import type { MemberSource, SourceRow } from './member-source.ts';

const URL_OF_LIST = 'https://www.bseindices.com/AsiaIndexAPI/api/Codewise_Indices/w?code=16';
const PLACE = 'www.bseindices.com';

/** BSE's own list: JSON by index code (16 = SENSEX); members by BSE code, names cut at 30 characters. */
export const bse: MemberSource = async (context) => {
  const page = await loadPage(URL_OF_LIST, context, {
    accept: 'application/json',
    referer: 'https://www.bseindices.com/',
    origin: 'https://www.bseindices.com/',
  });
  return { url: page.url, pageSha256: page.sha256, rows: await parseBse(page.text) };
};

/**
 * The rows of `Codewise_Indices`: the list of records wherever it stands, the code in the column of that name or else in the one
 * column of six-digit codes. Errors: `source.blocked` for HTML instead of JSON, `source.empty`, `source.no-table`.
 */
export async function parseBse(text: string): Promise<readonly SourceRow[]> {
  const answer = await parseJson(text);
  const lists = Object.values(answer).filter((value): value is unknown[] => Array.isArray(value));
  const records = lists.flat().filter(isRecord);
  if (lists.length === 0) throw new MarketError('source.no-table', `${PLACE}: the answer holds no list`);
  if (records.length === 0) throw new MarketError('source.empty', `${PLACE}: the list has no rows`);
  const columns = Object.keys(records[0] ?? {});
  const codeColumn =
    columns.find((column) => /^scrip_?code$/i.test(column)) ??
    columns.find((column) => records.every((record) => isCode(record[column])));
  const nameColumn = columns.find((column) => /^(?:scrip|company|long|short)?_?name$/i.test(column));
  if (codeColumn === undefined) {
    throw new MarketError(
      'source.no-table',
      `${PLACE}: no column holds BSE codes; columns are ${columns.join(', ')}`,
    );
  }
  return records.map((record) => ({
    name: nameColumn === undefined ? '' : toText(record[nameColumn]),
    bseCode: toText(record[codeColumn]),
  }));
}

async function parseJson(text: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const answer: unknown = JSON.parse(text);
    if (isRecord(answer)) return answer;
    return { Table: answer };
  } catch {
    // Errors and blocks come as an HTML page with status 200; its heading tells which of the two it is.
    checkFragment(await parseHtml(text), PLACE);
    throw new MarketError('source.no-table', `${PLACE}: the answer is no JSON`);
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCode(value: unknown): boolean {
  return /^[1-9]\d{5}$/.test(toText(value));
}

function toText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
}
