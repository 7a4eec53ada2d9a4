import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addDays,
  endOfLocalDayMs,
  lastCompletedSession,
  lastSessionByDate,
  localDate,
  minusYears,
  parseSessionTable,
  sessionOn,
  sessionsBetween,
  zonedInstantMs,
} from '../../src/base/session.ts';

const week = {
  mic: 'XTST',
  aliases: ['TEST'],
  zone: 'Asia/Kolkata',
  open: '09:15',
  close: '15:30',
  weekmask: '1111100',
  known_from: '2024-01-01',
  known_through: '2024-12-31',
  source: ['Invented for this test.'],
  fixed_holidays: [{ date: '12-25', name: 'Christmas' }],
  sessions: [
    { date: '2024-01-20', kind: 'special', open: '09:15', close: '12:30', source: 'memory' },
    { date: '2024-11-01', kind: 'regular', open: '18:15', close: '19:15', source: 'observed' },
  ],
  holidays: [{ date: '2024-01-22', source: 'both' }],
};
const table = parseSessionTable(week);
const utc = (text: string): number => Date.parse(text);

function refusal(change: Record<string, unknown>): string {
  try {
    parseSessionTable({ ...week, ...change });
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
}

test('a regular session opens and closes at the usual local hours', () => {
  assert.deepEqual(sessionOn(table, '2024-01-19'), {
    date: '2024-01-19',
    kind: 'regular',
    provisional: false,
    openMs: utc('2024-01-19T03:45:00Z'),
    closeMs: utc('2024-01-19T10:00:00Z'),
  });
});

test('a holiday and a weekend day have no session', () => {
  assert.equal(sessionOn(table, '2024-01-22'), undefined);
  assert.equal(sessionOn(table, '2024-01-21'), undefined);
});

test('a listed Saturday is a special session with its own hours', () => {
  const session = sessionOn(table, '2024-01-20');
  assert.equal(session?.kind, 'special');
  assert.equal(session?.closeMs, utc('2024-01-20T07:00:00Z'));
});

test('a listed weekday keeps its kind and takes the listed hours', () => {
  const session = sessionOn(table, '2024-11-01');
  assert.equal(session?.kind, 'regular');
  assert.equal(session?.openMs, utc('2024-11-01T12:45:00Z'));
});

test('an answer outside the known range is provisional and keeps fixed-date holidays only', () => {
  assert.equal(sessionOn(table, '2023-12-29')?.provisional, true);
  assert.equal(sessionOn(table, '2025-01-01')?.provisional, true);
  assert.equal(sessionOn(table, '2025-12-25'), undefined);
  assert.equal(sessionOn(table, '2024-12-25')?.provisional, false);
});

test('sessions between two dates include both ends and the special ones, ascending', () => {
  const dates = sessionsBetween(table, '2024-01-18', '2024-01-23').map((session) => session.date);
  assert.deepEqual(dates, ['2024-01-18', '2024-01-19', '2024-01-20', '2024-01-23']);
  assert.deepEqual(sessionsBetween(table, '2024-01-23', '2024-01-22'), []);
});

test('the last session by date counts its own date and passes over special sessions', () => {
  assert.equal(lastSessionByDate(table, '2024-01-19').date, '2024-01-19');
  assert.equal(lastSessionByDate(table, '2024-01-22').date, '2024-01-19');
});

test('a session is completed at its close plus the delay, not a millisecond before', () => {
  const at = utc('2024-01-19T10:30:00Z');
  assert.equal(lastCompletedSession(table, at, 1_800_000).date, '2024-01-19');
  assert.equal(lastCompletedSession(table, at - 1, 1_800_000).date, '2024-01-18');
});

test('a delay that reaches past midnight still finds the session of the day before', () => {
  const at = utc('2024-01-19T20:00:00Z');
  assert.equal(lastCompletedSession(table, at, 10 * 3_600_000).date, '2024-01-19');
  assert.equal(lastCompletedSession(table, at - 1, 10 * 3_600_000).date, '2024-01-18');
});

test('the evening session is not completed in the afternoon of its day', () => {
  assert.equal(lastCompletedSession(table, utc('2024-11-01T13:44:59Z'), 0).date, '2024-10-31');
  assert.equal(lastCompletedSession(table, utc('2024-11-01T13:45:00Z'), 0).date, '2024-11-01');
});

test('a table without any session says so instead of searching for ever', () => {
  const closed = parseSessionTable({ ...week, weekmask: '0000000', sessions: [] });
  assert.throws(() => lastSessionByDate(closed, '2024-06-01'), {
    message: 'session table XTST: no regular session within 400 days before 2024-06-01',
  });
});

test('local dates turn at local midnight', () => {
  assert.equal(localDate(utc('2024-01-19T18:29:59.999Z'), 'Asia/Kolkata'), '2024-01-19');
  assert.equal(localDate(utc('2024-01-19T18:30:00Z'), 'Asia/Kolkata'), '2024-01-20');
  assert.equal(localDate(-1, 'UTC'), '1969-12-31');
});

test('the end of a local day is the millisecond before the next midnight', () => {
  assert.equal(endOfLocalDayMs('2024-01-19', 'Asia/Kolkata'), utc('2024-01-19T18:29:59.999Z'));
  assert.equal(endOfLocalDayMs('2024-03-10', 'America/New_York'), utc('2024-03-11T03:59:59.999Z'));
});

test('wall times in New York follow the change of clocks', () => {
  assert.equal(zonedInstantMs('2024-03-08', '09:30', 'America/New_York'), utc('2024-03-08T14:30:00Z'));
  assert.equal(zonedInstantMs('2024-03-11', '09:30', 'America/New_York'), utc('2024-03-11T13:30:00Z'));
  assert.equal(zonedInstantMs('2024-11-04', '09:30', 'America/New_York'), utc('2024-11-04T14:30:00Z'));
});

test('a wall time that comes twice is the first one, one that never comes moves on by the gap', () => {
  assert.equal(zonedInstantMs('2024-11-03', '01:30', 'America/New_York'), utc('2024-11-03T05:30:00Z'));
  assert.equal(zonedInstantMs('2024-03-10', '02:30', 'America/New_York'), utc('2024-03-10T07:30:00Z'));
});

test('days and years count on the calendar', () => {
  assert.equal(addDays('2024-02-28', 2), '2024-03-01');
  assert.equal(addDays('2024-01-01', -1), '2023-12-31');
  assert.equal(minusYears('2026-03-17', 2), '2024-03-17');
  assert.equal(minusYears('2024-02-29', 2), '2022-02-28');
  assert.equal(minusYears('2024-02-29', 4), '2020-02-29');
});

test('a date that does not exist is refused', () => {
  assert.throws(() => addDays('2023-02-29', 1), { message: '"2023-02-29" is not a date YYYY-MM-DD' });
  assert.throws(() => zonedInstantMs('2024-01-01', '9:15', 'UTC'), {
    message: '"9:15" is not a time HH:MM',
  });
});

test('a bad table is refused with the name of the field and its value', () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ mic: undefined }, 'session table: "mic" must be a text, got nothing'],
    [{ zone: 'Asia/Atlantis' }, 'session table: "zone" must be an IANA time zone, got "Asia/Atlantis"'],
    [{ open: '9:15' }, 'session table: "open" must be a time HH:MM, got "9:15"'],
    [{ close: '09:00' }, 'session table: "close" must be after the opening 09:15, got "09:00"'],
    [
      { weekmask: '11111' },
      'session table: "weekmask" must be seven digits 0 or 1, Monday first, got "11111"',
    ],
    [
      { known_through: '2023-01-01' },
      'session table: "known_through" must be not before known_from 2024-01-01, got "2023-01-01"',
    ],
    [{ holidays: {} }, 'session table: "holidays" must be a list, got {}'],
    [
      { holidays: [{ date: '2024-02-30', source: 'x' }] },
      'session table: "holidays[0].date" must be a date YYYY-MM-DD, got "2024-02-30"',
    ],
    [
      { holidays: [{ date: '2024-11-01', source: 'x' }] },
      'session table: "sessions[1].date" must be no holiday at the same time, got "2024-11-01"',
    ],
    [
      { holidays: [week.holidays[0], week.holidays[0]] },
      'session table: "holidays[1].date" must be named once, got "2024-01-22"',
    ],
    [
      { sessions: [{ ...week.sessions[0], kind: 'half' }] },
      'session table: "sessions[0].kind" must be "regular" or "special", got "half"',
    ],
    [
      { fixed_holidays: [{ date: '13-01' }] },
      'session table: "fixed_holidays[0].date" must be a day MM-DD, got "13-01"',
    ],
  ];
  for (const [change, message] of cases) assert.equal(refusal(change), message);
  assert.throws(() => parseSessionTable(null), {
    message: 'session table: "table" must be an object, got null',
  });
});
