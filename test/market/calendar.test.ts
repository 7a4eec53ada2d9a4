import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { sessionOn, sessionsBetween } from '../../src/base/session.ts';
import { calendarFor } from '../../src/market/calendar.ts';
import { recorded, recordedPath } from './recorded.ts';

/** Dates of a recorded file whose row has prices. */
function recordedDates(...path: string[]): string[] {
  const lines = readFileSync(recordedPath('nse_daily', ...path), 'utf8').split('\n');
  return lines.filter((line) => /^\d{4}-.*,\d/.test(line)).map((line) => line.slice(0, 10));
}

function regularDates(mic: string, from: string, to: string): string[] {
  return sessionsBetween(calendarFor(mic), from, to)
    .filter((session) => session.kind === 'regular')
    .map((session) => session.date);
}

test('an alias names the same table and an unknown exchange is told which are known', () => {
  assert.equal(calendarFor('XNSE').mic, 'XBOM');
  assert.equal(calendarFor('XNAS').mic, 'XNYS');
  assert.throws(() => calendarFor('XDHA'), {
    message: 'no calendar for "XDHA"; known are XBOM, XNSE, XNYS, XNAS, ARCX, XASE, 24/7, CRYPTO',
  });
});

test(
  'recorded index dates and the calendar differ only where the vendor is known to be wrong',
  recorded,
  () => {
    const dates = recordedDates('yf_flat', '^BSESN.csv');
    const sessions = regularDates('XBOM', '2023-09-01', '2026-03-17');
    assert.deepEqual(
      sessions.filter((date) => !dates.includes(date)),
      ['2024-01-01'],
    );
    assert.deepEqual(
      dates.filter((date) => !sessions.includes(date)),
      [],
    );
  },
);

test(
  'the stock bars outside the regular sessions are the budget Saturday and the phantom holiday',
  recorded,
  () => {
    const dates = recordedDates('yf_flat', 'TCS.NS.csv');
    const sessions = regularDates('XNSE', '2023-09-01', '2026-03-17');
    assert.deepEqual(
      dates.filter((date) => !sessions.includes(date)),
      ['2025-02-01', '2026-01-15'],
    );
    assert.deepEqual(
      sessions.filter((date) => !dates.includes(date)),
      [],
    );
    assert.equal(sessionOn(calendarFor('XNSE'), '2025-02-01')?.kind, 'special');
  },
);

test('no recorded index bar of twenty years falls on a day the calendar calls closed', recorded, () => {
  const dates = recordedDates('yahoo_web_null', '^BSESN.csv');
  const sessions = new Set(regularDates('XBOM', '2001-01-02', '2021-03-05'));
  assert.deepEqual(
    dates.filter((date) => !sessions.has(date)),
    [],
  );
  // New Year's days, the ends of 2009 and 2014 and three single days, seen in the file itself: rows without prices, or no row.
  const gaps = [...sessions].filter((date) => !dates.includes(date));
  assert.deepEqual(
    gaps.filter((date) => !date.endsWith('-01-01')),
    '2009-12-23 2009-12-24 2009-12-29 2009-12-30 2009-12-31 2012-01-02 2012-10-26 2014-12-26 2014-12-29 2019-02-13 2019-03-29'.split(
      ' ',
    ),
  );
  assert.equal(gaps.length, 21);
});

test('the days on which the two Indian holiday lists disagree follow the recorded bars', () => {
  const table = calendarFor('XBOM');
  const open = [
    '2013-11-14',
    '2020-07-31',
    '2017-10-19',
    '2018-11-07',
    '2022-10-24',
    '2024-11-01',
    '2025-10-21',
  ];
  const closed = ['2013-11-15', '2020-05-25', '2024-01-22', '2024-05-20', '2024-11-20', '2026-01-15'];
  for (const date of open) assert.equal(sessionOn(table, date)?.kind, 'regular', date);
  for (const date of closed) assert.equal(sessionOn(table, date), undefined, date);
});

test('Diwali evenings without recorded bars and budget weekends are special sessions', () => {
  const table = calendarFor('XBOM');
  for (const date of ['2021-11-04', '2023-11-12', '2026-11-08', '2020-02-01', '2024-03-02', '2012-11-13']) {
    assert.equal(sessionOn(table, date)?.kind, 'special', date);
  }
  assert.equal(sessionOn(table, '2025-10-21')?.closeMs, Date.parse('2025-10-21T09:15:00Z'));
});

test('the Indian sessions of 2026 leave out the sixteen announced holidays', () => {
  // 261 weekdays of 2026, all sixteen holidays on weekdays.
  assert.equal(regularDates('XBOM', '2026-01-01', '2026-12-31').length, 245);
  assert.equal(sessionOn(calendarFor('XBOM'), '2027-01-04')?.provisional, true);
  assert.equal(sessionOn(calendarFor('XBOM'), '2027-01-26'), undefined);
  assert.equal(sessionOn(calendarFor('XBOM'), '1998-01-27')?.provisional, true);
});

test('New York has the published number of trading days a year', () => {
  // NYSE's yearly counts: 2001 lost four days in September, 2012 two to a hurricane, 2025 one to mourning.
  const counts = { 2001: 248, 2012: 250, 2019: 252, 2020: 253, 2022: 251, 2023: 250, 2024: 252, 2025: 250 };
  for (const [year, count] of Object.entries(counts)) {
    assert.equal(regularDates('XNYS', `${year}-01-01`, `${year}-12-31`).length, count, year);
  }
});

test('New York closes at one in the afternoon on half days and keeps local hours over the change of clocks', () => {
  const table = calendarFor('XNYS');
  assert.equal(sessionOn(table, '2024-11-29')?.closeMs, Date.parse('2024-11-29T18:00:00Z'));
  assert.equal(sessionOn(table, '2024-03-08')?.openMs, Date.parse('2024-03-08T14:30:00Z'));
  assert.equal(sessionOn(table, '2024-03-11')?.openMs, Date.parse('2024-03-11T13:30:00Z'));
  assert.equal(sessionOn(table, '2021-06-18')?.kind, 'regular');
  assert.equal(sessionOn(table, '2022-06-20'), undefined);
});

test('the crypto market trades every day of the year in UTC', () => {
  const days = sessionsBetween(calendarFor('24/7'), '2024-01-01', '2024-12-31');
  assert.equal(days.length, 366);
  assert.equal(days[0]?.closeMs, Date.parse('2024-01-02T00:00:00Z'));
});
