import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { companyOf, SENSEX } from '../../src/market/crosswalk.ts';
import { recorded, recordedPath } from './recorded.ts';

function readRows(name: string): string[][] {
  return readFileSync(recordedPath('index_constituents', name), 'utf8')
    .split(/\r?\n/)
    .map((line) => line.split(','));
}

/** Symbols of the members on a day; before the first known change, as they stood then. */
const symbolsOn = (date: string): string[] =>
  SENSEX.filter(({ from = '', to = '9999' }) => from <= date && date < to).map(({ symbol }) => symbol);

test('the index has 30 members on the day of each change and on the day before', () => {
  for (const date of ['2024-06-23', '2024-06-24', '2024-12-22', '2024-12-23', '2025-06-22', '2025-06-23']) {
    assert.equal(symbolsOn(date).length, 30, date);
  }
  assert.equal(symbolsOn('2025-12-21').length, 30);
  assert.equal(symbolsOn('2025-12-22').length, 30);
});

test('a company that joins is a member from that day and the one that leaves is not', () => {
  for (const [before, day, added, removed] of [
    ['2024-06-23', '2024-06-24', ['ADANIPORTS'], ['WIPRO']],
    ['2024-12-22', '2024-12-23', ['ETERNAL'], ['JSWSTEEL']],
    ['2025-06-22', '2025-06-23', ['BEL', 'TRENT'], ['INDUSINDBK', 'NESTLEIND']],
    ['2025-12-21', '2025-12-22', ['INDIGO'], ['TMPV']],
  ] as const) {
    const [old, now] = [symbolsOn(before), symbolsOn(day)];
    assert.deepEqual(
      now.filter((symbol) => !old.includes(symbol)),
      added,
    );
    assert.deepEqual(
      old.filter((symbol) => !now.includes(symbol)),
      removed,
    );
  }
});

test('companies stand in code unit order and no name of one is a name of another', () => {
  const symbols = SENSEX.map(({ symbol }) => symbol);
  assert.deepEqual(symbols, [...symbols].sort());
  for (const keys of [
    symbols,
    SENSEX.map(({ bseCode }) => bseCode),
    SENSEX.flatMap(({ isins }) => isins),
    SENSEX.flatMap(({ investingId }) => investingId ?? []),
    SENSEX.flatMap(({ investingTag }) => investingTag ?? []),
  ]) {
    assert.equal(new Set(keys).size, keys.length);
  }
});

test('every ISIN has a right check digit', () => {
  for (const isin of SENSEX.flatMap(({ isins }) => isins)) {
    // ISO 6166: letters become two digits, then Luhn from the right.
    const digits = Array.from(isin, (character) => Number.parseInt(character, 36)).join('');
    const sum = Array.from(digits, Number)
      .reverse()
      .reduce<number>((total, digit, index) => {
        const value = digit * (index % 2 === 0 ? 1 : 2);
        return total + (value > 9 ? value - 9 : value);
      }, 0);
    assert.equal(sum % 10, 0, isin);
  }
});

test('a company is found by its code, by an ISIN from before a split, and by id and tag at Investing.com', () => {
  for (const [keys, symbol] of [
    [{ bseCode: '500520' }, 'M&M'],
    [{ isin: 'INE040A01026' }, 'HDFCBANK'],
    [{ isin: 'INE040A01034' }, 'HDFCBANK'],
    [{ investingId: '961701' }, 'INDIGO'],
    [{ investingTag: 'larsen---toubro' }, 'LT'],
    [{ bseCode: '999999', nseSymbol: 'TCS' }, 'TCS'],
    [{ bseCode: '999999' }, undefined],
    [{}, undefined],
  ] as const) {
    assert.equal(companyOf(keys)?.symbol, symbol);
  }
});

test(
  'symbols, codes, ISINs, ids and tags agree with the recorded lists of NSE, BSE and Investing.com',
  recorded,
  () => {
    const nse = new Map(readRows('nse_EQUITY_L_2025-07.csv').map((row) => [row[6], row[0]]));
    const investing = new Map(readRows('investing_com_india_stocks.csv').map((row) => [row[5], row]));
    const codes = new Map(readRows('bse_ListOfScrips_groupA_2020.csv').map((row) => [row[0], row[1]]));
    // Renamed since those lists were made.
    const former: Record<string, string> = { ETERNAL: 'ZOMATO', TMPV: 'TATAMOTORS' };
    for (const { symbol, isins, bseCode, investingId, investingTag } of SENSEX) {
      const name = former[symbol] ?? symbol;
      assert.ok(
        isins.some((isin) => nse.get(isin) === name),
        `${symbol} at NSE`,
      );
      // BSE prints `INFY*`, and `M&amp;M` in its CSV.
      const id = codes.get(bseCode)?.replace(/\*|amp;/g, '');
      if (symbol !== 'ETERNAL') assert.equal(id, name, `${symbol} at BSE`);
      const listed = investing.get(investingId);
      if (investingId !== undefined) {
        assert.ok(isins.includes(listed?.[4] ?? ''), `${symbol} at Investing.com`);
        assert.equal(listed?.[3], investingTag);
      }
    }
  },
);
