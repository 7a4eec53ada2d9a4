/** A trading day of an exchange; instants in epoch milliseconds (UTC), `date` in the exchange's own zone. */
export interface Session {
  readonly date: string;
  /** `special`: short or extraordinary trading that vendors often have no bar for; the caller decides whether to expect one. */
  readonly kind: 'regular' | 'special';
  /** True outside the table's known range: weekmask and fixed-date holidays only, never a reason to call a bar wrong. */
  readonly provisional: boolean;
  readonly openMs: number;
  readonly closeMs: number;
}

/** A day whose trading differs from the weekmask or the usual hours; it overrides holidays and weekends. */
export interface ListedSession {
  readonly kind: 'regular' | 'special';
  readonly open: string;
  readonly close: string;
  readonly source: string;
}

/** The sessions of one exchange as facts: what `calendars/sessions-<MIC>.json` holds, checked by `parseSessionTable`. */
export interface SessionTable {
  readonly mic: string;
  readonly aliases: readonly string[];
  /** IANA time zone of all its dates and hours. */
  readonly zone: string;
  /** Usual hours, `HH:MM` local. */
  readonly open: string;
  readonly close: string;
  /** Seven entries, Monday first; true = a trading weekday. */
  readonly weekmask: readonly boolean[];
  /** First and last date whose answer is a fact; outside, answers are provisional. */
  readonly knownFrom: string;
  readonly knownThrough: string;
  /** Where the facts come from, in sentences. */
  readonly source: readonly string[];
  /** `MM-DD` days closed every year, used outside the known range. */
  readonly fixedHolidays: ReadonlySet<string>;
  /** ISO date → source of the fact. */
  readonly holidays: ReadonlyMap<string, string>;
  /** ISO date → extra, special or differently timed session. */
  readonly sessions: ReadonlyMap<string, ListedSession>;
}

const DAY_MS = 86_400_000;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const HOURS = /^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/;
/** No exchange known has been closed for longer; a longer search means a broken table. */
const SEARCH_DAYS = 400;

function fail(field: string, want: string, value: unknown): never {
  throw new Error(`session table: "${field}" must be ${want}, got ${JSON.stringify(value) ?? 'nothing'}`);
}

function toRecord(value: unknown, field: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) fail(field, 'an object', value);
  return value as Record<string, unknown>;
}

function toList(value: unknown, field: string): readonly unknown[] {
  return Array.isArray(value) ? value : fail(field, 'a list', value);
}

function toText(value: unknown, field: string): string {
  return typeof value === 'string' && value !== '' ? value : fail(field, 'a text', value);
}

function toTextList(value: unknown, field: string): string[] {
  return toList(value, field).map((entry, index) => toText(entry, `${field}[${index}]`));
}

function toDate(value: unknown, field: string): string {
  if (typeof value !== 'string' || !isDate(value)) fail(field, 'a date YYYY-MM-DD', value);
  return value;
}

function toHours(value: unknown, field: string): string {
  return typeof value === 'string' && HOURS.test(value) ? value : fail(field, 'a time HH:MM', value);
}

function toHoursPair(record: Record<string, unknown>, field: string): { open: string; close: string } {
  const open = toHours(record['open'], `${field}open`);
  const close = toHours(record['close'], `${field}close`);
  if (close <= open) fail(`${field}close`, `after the opening ${open}`, close);
  return { open, close };
}

function toZone(value: unknown): string {
  const zone = toText(value, 'zone');
  try {
    createWallClock(zone);
    return zone;
  } catch {
    return fail('zone', 'an IANA time zone', zone);
  }
}

/** The table in a parsed JSON value; throws an Error naming the first bad field. Entries may come in any order, a date only once. */
export function parseSessionTable(value: unknown): SessionTable {
  const table = toRecord(value, 'table');
  const mask = toText(table['weekmask'], 'weekmask');
  if (!/^[01]{7}$/.test(mask)) fail('weekmask', 'seven digits 0 or 1, Monday first', mask);
  const holidays = new Map<string, string>();
  const sessions = new Map<string, ListedSession>();
  for (const [index, entry] of toList(table['holidays'], 'holidays').entries()) {
    const field = `holidays[${index}]`;
    const record = toRecord(entry, field);
    const date = toDate(record['date'], `${field}.date`);
    if (holidays.has(date)) fail(`${field}.date`, 'named once', date);
    holidays.set(date, toText(record['source'], `${field}.source`));
  }
  for (const [index, entry] of toList(table['sessions'], 'sessions').entries()) {
    const field = `sessions[${index}]`;
    const record = toRecord(entry, field);
    const date = toDate(record['date'], `${field}.date`);
    if (sessions.has(date)) fail(`${field}.date`, 'named once', date);
    if (holidays.has(date)) fail(`${field}.date`, 'no holiday at the same time', date);
    const kind = record['kind'];
    if (kind !== 'regular' && kind !== 'special') fail(`${field}.kind`, '"regular" or "special"', kind);
    const source = toText(record['source'], `${field}.source`);
    sessions.set(date, { kind, ...toHoursPair(record, `${field}.`), source });
  }
  const fixed = toList(table['fixed_holidays'], 'fixed_holidays').map((entry, index) => {
    const field = `fixed_holidays[${index}]`;
    const day = toText(toRecord(entry, field)['date'], `${field}.date`);
    // 2000 is a leap year, so that 02-29 would be accepted.
    return isDate(`2000-${day}`) ? day : fail(`${field}.date`, 'a day MM-DD', day);
  });
  const knownFrom = toDate(table['known_from'], 'known_from');
  const knownThrough = toDate(table['known_through'], 'known_through');
  if (knownThrough < knownFrom) fail('known_through', `not before known_from ${knownFrom}`, knownThrough);
  return {
    mic: toText(table['mic'], 'mic'),
    aliases: toTextList(table['aliases'], 'aliases'),
    zone: toZone(table['zone']),
    ...toHoursPair(table, ''),
    weekmask: mask.split('').map((digit) => digit === '1'),
    knownFrom,
    knownThrough,
    source: toTextList(table['source'], 'source'),
    fixedHolidays: new Set(fixed),
    holidays,
    sessions,
  };
}

/** A real calendar date `YYYY-MM-DD`. */
export function isDate(text: string): boolean {
  if (!DATE.test(text)) return false;
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && toIsoDate(ms) === text;
}

function toIsoDate(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function toDayMs(date: string): number {
  if (!isDate(date)) throw new Error(`"${date}" is not a date YYYY-MM-DD`);
  return Date.parse(date);
}

/** The date `days` calendar days later (earlier when negative); ISO in, ISO out. */
export function addDays(date: string, days: number): string {
  return toIsoDate(toDayMs(date) + days * DAY_MS);
}

/** The same day `years` calendar years earlier; 29 February becomes 28 February in a year that has none. */
export function minusYears(date: string, years: number): string {
  toDayMs(date);
  const wanted = `${String(Number(date.slice(0, 4)) - years).padStart(4, '0')}${date.slice(4)}`;
  return isDate(wanted) ? wanted : `${wanted.slice(0, 8)}28`;
}

/** A zone's clock: the wall time of an instant, as if it were UTC, in epoch milliseconds cut to seconds. */
type WallClock = (ms: number) => number;

/** A formatter costs far more than its use, so whoever converts many instants makes one clock. */
function createWallClock(zone: string): WallClock {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (ms) => {
    const parts: Record<string, number> = {};
    for (const part of format.formatToParts(ms)) parts[part.type] = Number(part.value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second);
  };
}

/** The instant of a wall time: of two readings (clocks set back) the first, of none (set forward) the one shifted on by the gap. */
function toInstant(wallMs: number, clock: WallClock): number {
  const before = clock(wallMs - DAY_MS) - (wallMs - DAY_MS);
  const after = clock(wallMs + DAY_MS) - (wallMs + DAY_MS);
  if (before === after || clock(wallMs - before) === wallMs) return wallMs - before;
  return clock(wallMs - after) === wallMs ? wallMs - after : wallMs - before;
}

function toWallMs(date: string, time: string): number {
  if (!HOURS.test(time)) throw new Error(`"${time}" is not a time HH:MM`);
  return toDayMs(date) + Number(time.slice(0, 2)) * 3_600_000 + Number(time.slice(3)) * 60_000;
}

/** The local date (ISO) of an instant in an IANA zone. */
export function localDate(ms: number, zone: string): string {
  return toIsoDate(createWallClock(zone)(Math.floor(ms / 1000) * 1000));
}

/** The instant (epoch ms) at which a zone's clocks show `HH:MM` on that date, right on both sides of a change of clocks; `24:00` is the day's end. */
export function zonedInstantMs(date: string, time: string, zone: string): number {
  return toInstant(toWallMs(date, time), createWallClock(zone));
}

/** The last millisecond of a local date, so that what closes on that date lies before it. */
export function endOfLocalDayMs(date: string, zone: string): number {
  return zonedInstantMs(date, '24:00', zone) - 1;
}

function sessionWith(table: SessionTable, date: string, clock: WallClock): Session | undefined {
  const listed = table.sessions.get(date);
  const provisional = date < table.knownFrom || date > table.knownThrough;
  if (listed === undefined) {
    // 1970-01-01 was a Thursday; the mask begins on Monday.
    const weekday = (Math.floor(toDayMs(date) / DAY_MS) + 3) % 7;
    if (table.weekmask.at(weekday) !== true || table.holidays.has(date)) return undefined;
    if (provisional && table.fixedHolidays.has(date.slice(5))) return undefined;
  }
  return {
    date,
    kind: listed?.kind ?? 'regular',
    provisional,
    openMs: toInstant(toWallMs(date, listed?.open ?? table.open), clock),
    closeMs: toInstant(toWallMs(date, listed?.close ?? table.close), clock),
  };
}

/** The session of one local date, or undefined when the exchange is closed. */
export function sessionOn(table: SessionTable, date: string): Session | undefined {
  return sessionWith(table, date, createWallClock(table.zone));
}

/** All sessions from `from` to `to`, ISO dates, both included, ascending, special ones too; empty when `to` lies before `from`. */
export function sessionsBetween(table: SessionTable, from: string, to: string): Session[] {
  const clock = createWallClock(table.zone);
  const last = toDayMs(to);
  const sessions: Session[] = [];
  for (let day = toDayMs(from); day <= last; day += DAY_MS) {
    const session = sessionWith(table, toIsoDate(day), clock);
    if (session !== undefined) sessions.push(session);
  }
  return sessions;
}

function lastRegular(table: SessionTable, date: string, latestCloseMs: number): Session {
  const clock = createWallClock(table.zone);
  const day = toDayMs(date);
  for (let back = 0; back < SEARCH_DAYS; back += 1) {
    const session = sessionWith(table, toIsoDate(day - back * DAY_MS), clock);
    if (session?.kind === 'regular' && session.closeMs <= latestCloseMs) return session;
  }
  throw new Error(`session table ${table.mic}: no regular session within ${SEARCH_DAYS} days before ${date}`);
}

/** The last regular session on or before that local date; special sessions do not count. Throws when the table has none within 400 days. */
export function lastSessionByDate(table: SessionTable, date: string): Session {
  return lastRegular(table, date, Number.POSITIVE_INFINITY);
}

/** The last regular session whose close + `delayMs` is at or before the instant `atMs`; special sessions do not count. Throws when there is none within 400 days. */
export function lastCompletedSession(table: SessionTable, atMs: number, delayMs: number): Session {
  return lastRegular(table, localDate(atMs - delayMs, table.zone), atMs - delayMs);
}
