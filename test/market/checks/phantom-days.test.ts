import assert from 'node:assert/strict';
import test from 'node:test';
import { toSeries } from '../../../src/market/bars.ts';
import { judgeDays } from '../../../src/market/checks/phantom-days.ts';
import type { DayVerdict } from '../../../src/market/checks/phantom-days.ts';
import { bar, flat, INDEX } from './bars.ts';

const SESSION = '2026-01-14';
const HOLIDAY = '2026-01-15';

/** Verdict on a date from rows written as letters: f = flat without volume, t = traded, - = no row; the index apart. */
function verdict(date: string, stocks: string, index: 'f' | 't' | '-'): DayVerdict | undefined {
  const rows = (letter: string): ReturnType<typeof bar>[] => {
    if (letter === '-') return [];
    return [letter === 'f' ? flat(date, 10) : bar(date, 10)];
  };
  const series = stocks.split('').map((letter, at) => toSeries(`S${at}`, rows(letter)));
  // An index that traded has a volume of 0 all the same.
  const quoted = index === 't' ? [bar(date, 80_000, { volume: 0 })] : rows(index);
  return judgeDays([...series, toSeries(INDEX, quoted)], INDEX, (day) => day !== SESSION)(date);
}

test('a session is lost when the index has no row and at least half of three or more rows are flat', () => {
  const cases: readonly (readonly [string, 'f' | 't' | '-', DayVerdict | undefined])[] = [
    ['fftt', '-', 'lost'],
    ['fttt', '-', undefined],
    ['ffft', 't', undefined],
    ['ff', '-', undefined],
    ['fff', '-', 'lost'],
    ['ff-t', '-', 'lost'],
  ];
  for (const [stocks, index, expected] of cases) {
    assert.equal(verdict(SESSION, stocks, index), expected, `${stocks} ${index}`);
  }
});

test('a holiday is disputed when fewer than half of its rows are flat and half of all series traded', () => {
  const cases: readonly (readonly [string, 'f' | 't' | '-', DayVerdict])[] = [
    ['fff', '-', 'closed'],
    ['ttt', '-', 'disputed'],
    ['tt-', '-', 'disputed'],
    ['t--', '-', 'closed'],
    ['t--', 't', 'disputed'],
    ['t---', 't', 'closed'],
    ['tff', '-', 'closed'],
    // Half of the rows are flat, although half of the series traded.
    ['ttff', '-', 'closed'],
  ];
  for (const [stocks, index, expected] of cases) {
    assert.equal(verdict(HOLIDAY, stocks, index), expected, `${stocks} ${index}`);
  }
});
