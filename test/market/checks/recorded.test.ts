import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';
import { parseRawCsv } from '../../../src/market/bars.ts';
import { calendarFor } from '../../../src/market/calendar.ts';
import { cleanAll } from '../../../src/market/checks/clean.ts';
import type { Cleaning } from '../../../src/market/checks/clean.ts';
import { recorded, recordedPath } from '../recorded.ts';
import { INDEX_SYMBOL, readRecorded, UNIVERSE } from '../recorded-run.ts';
import { cleanDates } from './bars.ts';

async function cleanFolder(
  folder: string,
  period: { readonly from: string; readonly to: string },
  others: readonly string[] = [],
): Promise<Cleaning> {
  const files = await readRecorded(folder, [...UNIVERSE, INDEX_SYMBOL, ...others]);
  const raw = new Map([...files].map(([symbol, text]) => [symbol, parseRawCsv(symbol, text)] as const));
  return cleanAll(raw, {
    calendar: calendarFor('XBOM'),
    indexSymbol: INDEX_SYMBOL,
    period,
    allowUnadjustedSplit: [],
  });
}

/** `symbol date` of every row of a rule. */
function rowsOf({ findings }: Cleaning, rule: string, severity?: string): string[] {
  return findings
    .filter((one) => one.rule === rule && (severity === undefined || one.severity === severity))
    .flatMap(({ symbol, rows }) => rows.map(({ date }) => `${symbol} ${date}`));
}

const TWO_YEARS = { from: '2024-03-17', to: '2026-03-17' };

test('27 stocks lose the flat rows of the holiday 2026-01-15', recorded, async () => {
  const dropped = rowsOf(await cleanFolder('yf_flat', TWO_YEARS), 'bar.phantom', 'warn');
  assert.equal(dropped.length, 27);
  assert.ok(dropped.every((row) => row.endsWith(' 2026-01-15')));
});

test(
  'the day the vendor lost masks 26 stocks, not ITC and not the day itself; M&M was halted once more',
  recorded,
  async () => {
    const cleaning = await cleanFolder('yf_flat', TWO_YEARS);
    const quarantined = rowsOf(cleaning, 'bar.flat-zero');
    assert.equal(quarantined.length, 27);
    assert.equal(quarantined.filter((row) => row.endsWith(' 2025-03-18')).length, 26);
    assert.ok(!quarantined.includes('ITC.NS 2025-03-18'));
    assert.ok(quarantined.includes('M&M.NS 2025-09-08'));
    assert.ok(cleaning.index.dates.includes('2025-03-18'));
  },
);

test(
  'the index has 493 sessions in two years; the Saturday it lacks stays in the stocks',
  recorded,
  async () => {
    const cleaning = await cleanFolder('yf_flat', TWO_YEARS);
    assert.deepEqual(
      [cleaning.index.dates.length, cleaning.index.dates[0], cleaning.index.dates.at(-1)],
      [493, '2024-03-18', '2026-03-17'],
    );
    assert.ok(!cleaning.index.dates.includes('2025-02-01'));
    assert.ok(cleanDates(cleaning, 'TCS.NS').includes('2025-02-01'));
    assert.deepEqual(rowsOf(cleaning, 'index-gap'), [`${INDEX_SYMBOL} 2025-02-01`]);
    assert.deepEqual(rowsOf(cleaning, 'calendar.disagrees'), []);
  },
);

test('2024-01-01 is a session the index lacks', recorded, async () => {
  const cleaning = await cleanFolder('yf_flat', { from: '2023-09-01', to: '2024-02-28' });
  assert.deepEqual(rowsOf(cleaning, 'index-gap'), [`${INDEX_SYMBOL} 2024-01-01`]);
  assert.ok(cleanDates(cleaning, 'TCS.NS').includes('2024-01-01'));
});

test('real jumps are kept and named, and nothing else is', recorded, async () => {
  const cleaning = await cleanFolder('yf_flat', TWO_YEARS, ['INDUSINDBK.NS']);
  const jumps = rowsOf(cleaning, 'bar.jump');
  for (const row of ['ADANIPORTS.NS 2024-06-04', 'BEL.NS 2024-06-04', 'INDUSINDBK.NS 2025-03-11']) {
    assert.ok(jumps.includes(row), row);
    const [symbol = '', date = ''] = row.split(' ');
    assert.ok(cleanDates(cleaning, symbol).includes(date));
  }
  assert.deepEqual(cleaning.refused.size, 0);
  assert.deepEqual(rowsOf(cleaning, 'bar.positive'), []);
  assert.deepEqual(rowsOf(cleaning, 'bar.ohlc'), []);
});

test('JIOFIN lacks sessions that others have', recorded, async () => {
  const cleaning = await cleanFolder('yf_flat', { from: '2024-01-02', to: '2024-12-31' }, ['JIOFIN.NS']);
  const gaps = rowsOf(cleaning, 'series.gap').filter((row) => row.startsWith('JIOFIN'));
  assert.deepEqual(
    gaps,
    ['2024-01-18', '2024-08-27', '2024-10-30', '2024-11-05'].map((date) => `JIOFIN.NS ${date}`),
  );
});

test('29 newest rows have a volume and no price yet; a demerged company begins late', recorded, async () => {
  const cleaning = await cleanFolder('yf_multiheader', { from: '2024-04-20', to: '2026-04-20' }, ['TMPV.NS']);
  const open = rowsOf(cleaning, 'bar.null', 'warn');
  assert.equal(open.length, 29);
  assert.ok(open.every((row) => row.endsWith(' 2026-04-20')));
  assert.deepEqual(rowsOf(cleaning, 'series.short'), ['TMPV.NS 2025-10-15']);
});

test('77 index rows without prices are dropped', recorded, async () => {
  const text = await readFile(recordedPath('nse_daily/yahoo_web_null/^BSESN.csv'), 'utf8');
  const cleaning = cleanAll(new Map([[INDEX_SYMBOL, parseRawCsv(INDEX_SYMBOL, text)]]), {
    calendar: calendarFor('XBOM'),
    indexSymbol: INDEX_SYMBOL,
    period: { from: '2001-01-01', to: '2021-03-05' },
    allowUnadjustedSplit: [],
  });
  assert.equal(rowsOf(cleaning, 'bar.null').length, 77);
});

test(
  '28 rows of a bad history have an open or close outside low … high and 58 are flat without volume',
  recorded,
  async () => {
    const text = await readFile(recordedPath('nse_daily/bad_history/HDFCBANK.NS_1996-1999.csv'), 'utf8');
    const cleaning = cleanAll(new Map([['HDFCBANK.NS', parseRawCsv('HDFCBANK.NS', text)]]), {
      calendar: calendarFor('XBOM'),
      indexSymbol: INDEX_SYMBOL,
      period: { from: '1996-01-01', to: '1999-12-31' },
      allowUnadjustedSplit: [],
    });
    assert.equal(rowsOf(cleaning, 'bar.ohlc').length, 28);
    assert.equal(
      rowsOf(cleaning, 'bar.flat-zero').length + rowsOf(cleaning, 'bar.phantom', 'warn').length,
      58,
    );
  },
);
