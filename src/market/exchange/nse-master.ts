import { SENSEX } from '../crosswalk.ts';
import type { PageTwist } from './listing.ts';

/** NSE's master list `EQUITY_L.csv`: header names with blanks before them; present and former members in series EQ, one more row in BE. */
export function formatNseMaster(twist: PageTwist): string {
  const isin = twist === 'renamed' ? ' ISIN' : ' ISIN NUMBER';
  const header = `SYMBOL,NAME OF COMPANY, SERIES, DATE OF LISTING, PAID UP VALUE, MARKET LOT,${isin}, FACE VALUE`;
  const rows = (twist === 'empty' ? [] : SENSEX).map(
    ({ symbol, name, isins }) => `${symbol},${name},EQ,01-JAN-2019,1,1,${isins[0] ?? ''},1`,
  );
  const other = twist === 'empty' ? [] : ['20MICRONS,20 Microns Limited,BE,06-OCT-2008,5,1,INE144J01027,5'];
  return [header, ...other, ...rows, ''].join('\n');
}
