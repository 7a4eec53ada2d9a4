import { loadPage } from './page.ts';
import { MarketError } from '../market-error.ts';
import type { SourceContext } from './member-source.ts';

const URL_OF_MASTER = 'https://archives.nseindia.com/content/equities/EQUITY_L.csv';

/** A listed equity of NSE. */
export interface NseEquity {
  readonly symbol: string;
  readonly name: string;
}

/** Loads NSE's list of equities by ISIN, for members that the crosswalk does not know. Errors: `http.*`, `source.no-table`. */
export async function loadNseMaster(context: SourceContext): Promise<ReadonlyMap<string, NseEquity>> {
  return parseNseMaster((await loadPage(URL_OF_MASTER, context)).text);
}

/** NSE's `EQUITY_L.csv` by ISIN, series EQ only; header names may begin with blanks. Error: `source.no-table` without its columns. */
export function parseNseMaster(text: string): ReadonlyMap<string, NseEquity> {
  const [header = '', ...lines] = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const columns = header.split(',').map((name) => name.trim().toUpperCase());
  const [symbolAt, nameAt, seriesAt, isinAt] = ['SYMBOL', 'NAME OF COMPANY', 'SERIES', 'ISIN NUMBER'].map(
    (name) => {
      const at = columns.indexOf(name);
      if (at < 0)
        throw new MarketError('source.no-table', `archives.nseindia.com: the list has no column ${name}`);
      return at;
    },
  );
  const byIsin = new Map<string, NseEquity>();
  for (const line of lines) {
    const cells = line.split(',').map((cell) => cell.trim());
    const cell = (at: number | undefined): string => cells[at ?? -1] ?? '';
    if (cell(seriesAt) === 'EQ') byIsin.set(cell(isinAt), { symbol: cell(symbolAt), name: cell(nameAt) });
  }
  return byIsin;
}
