import { byCodeUnit } from '../by-code-unit.ts';
import { companyOf, MEMBERS } from '../crosswalk.ts';
import { MarketError } from '../market-error.ts';
import type { SourceList, SourceRow } from './member-source.ts';
import type { NseEquity } from './nse-master.ts';

/** A member by its NSE symbol without `.NS`; `bseCode` and `isin` are empty where neither source nor crosswalk has them. */
export interface Member {
  readonly symbol: string;
  readonly name: string;
  readonly bseCode: string;
  readonly isin: string;
  readonly from?: string;
  readonly to?: string;
}

const INDEX_SIZE = 30;
// The index changes by one or two companies at a time, twice a year.
const FEWEST_SHARED = 25;

/**
 * The members of a list that is the SENSEX, by code unit of symbol.
 * It is, if 30 distinct members remain after placeholders (`DUMMY…`, ISIN `DUM…`) are dropped, each is known by
 * code, ISIN, Investing id or tag, or symbol (an ISIN unknown here through `master`), and 25 or more are members by the crosswalk.
 * `log` hears which rows do not count: placeholders, and repeated members. Error: `source.not-sensex`, saying what is wrong.
 */
export function acceptSensex(
  list: SourceList,
  master: ReadonlyMap<string, NseEquity> = new Map(),
  log: (message: string) => void = () => undefined,
): readonly Member[] {
  const refuse = (why: string): never => {
    throw new MarketError('source.not-sensex', `${new URL(list.url).hostname}: not the SENSEX (${why})`);
  };
  const rows = list.rows.filter((row) => !isPlaceholder(row));
  const members = new Map<string, Member>();
  const unknown: string[] = [];
  const repeated: string[] = [];
  for (const row of rows) {
    const member = toMember(row, master);
    if (member === undefined) unknown.push(row.name);
    else if (members.has(member.symbol)) repeated.push(row.name);
    else members.set(member.symbol, member);
  }
  if (unknown.length > 0) {
    refuse(
      `of ${rows.length} members these are unknown: ${unknown.slice(0, 5).join(', ')}${unknown.length > 5 ? ', …' : ''}`,
    );
  }
  if (members.size !== INDEX_SIZE) refuse(`it has ${members.size} members instead of ${INDEX_SIZE}`);
  const shared = MEMBERS.filter(({ symbol }) => members.has(symbol)).length;
  if (shared < FEWEST_SHARED) {
    refuse(
      `it changed a lot: only ${shared} of the last known members are in it, ${FEWEST_SHARED} are needed`,
    );
  }
  const placeholders = list.rows.filter(isPlaceholder).map(({ name }) => name);
  if (placeholders.length > 0) log(`dropped as placeholders: ${placeholders.join(', ')}`);
  if (repeated.length > 0) log(`counted once, though repeated: ${repeated.join(', ')}`);
  return [...members.values()].sort((a, b) => byCodeUnit(a.symbol, b.symbol));
}

/** The ISINs of a list that only NSE's own master can turn into a symbol. */
export function unknownIsins(list: SourceList): readonly string[] {
  return list.rows
    .filter((row) => !isPlaceholder(row) && companyOf(row) === undefined)
    .map(({ isin }) => isin)
    .filter((isin) => isin !== undefined);
}

function isPlaceholder({ name, nseSymbol = '', isin = '' }: SourceRow): boolean {
  return /^dummy/i.test(name) || /^dummy/i.test(nseSymbol) || /^dum/i.test(isin);
}

function toMember(row: SourceRow, master: ReadonlyMap<string, NseEquity>): Member | undefined {
  const company = companyOf(row);
  if (company !== undefined) {
    const { isins, investingId, investingTag, ...member } = company;
    return { ...member, isin: isins[0] ?? '' };
  }
  const equity = row.isin === undefined ? undefined : master.get(row.isin);
  if (equity === undefined || row.isin === undefined) return undefined;
  return { symbol: equity.symbol, name: equity.name, bseCode: row.bseCode ?? '', isin: row.isin };
}
