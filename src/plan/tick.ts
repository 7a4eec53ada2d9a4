import type { Cron } from 'croner';
import { addDays, endOfLocalDayMs, lastCompletedSession, sessionOn } from '../base/session.ts';
import type { SessionTable } from '../base/session.ts';
import type { Refresh } from '../base/types.ts';

/** A tick and how long it stays the last one: `[fromMs, untilMs)` is when `now` gives this very tick. */
export interface Tick {
  readonly tickMs: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Monday 1970-01-05T00:00Z: `every: 7d` begins on Mondays. */
const EPOCH_MONDAY_MS = 4 * 86_400_000;
const DAY_MS = 86_400_000;

/**
 * The last boundary of a schedule at or before `as_of` (for `now`: `nowMs`; for a date: the end of that day in the
 * schedule's zone). `tableOf` gives an exchange's calendar.
 */
export async function tickAt(
  refresh: Refresh,
  nowMs: number,
  tableOf: (exchange: string) => SessionTable,
): Promise<Tick> {
  const fixed = refresh.asOf !== 'now';
  const atMs = fixed ? endOfLocalDayMs(refresh.asOf, zoneOf(refresh, tableOf)) : nowMs;
  const tick = await lastBoundary(refresh, atMs, tableOf);
  return fixed ? { ...tick, fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY } : tick;
}

function zoneOf(refresh: Refresh, tableOf: (exchange: string) => SessionTable): string {
  switch (refresh.kind) {
    case 'every':
      return 'UTC';
    case 'cron':
      return refresh.tz;
    case 'session':
      return tableOf(refresh.exchange).zone;
    default:
      return refresh satisfies never;
  }
}

async function lastBoundary(
  refresh: Refresh,
  atMs: number,
  tableOf: (exchange: string) => SessionTable,
): Promise<Tick> {
  switch (refresh.kind) {
    case 'every': {
      const tickMs =
        Math.floor((atMs - EPOCH_MONDAY_MS) / refresh.everyMs) * refresh.everyMs + EPOCH_MONDAY_MS;
      return { tickMs, fromMs: tickMs, untilMs: tickMs + refresh.everyMs };
    }
    case 'cron':
      return lastCron(refresh.cron, refresh.tz, atMs);
    case 'session': {
      const table = tableOf(refresh.exchange);
      const last = lastCompletedSession(table, atMs, refresh.delayMs);
      const tickMs = last.closeMs + refresh.delayMs;
      return { tickMs, fromMs: tickMs, untilMs: nextCloseMs(table, last.date) + refresh.delayMs };
    }
    default:
      return refresh satisfies never;
  }
}

/** When the first regular session after a local date closes. */
function nextCloseMs(table: SessionTable, date: string): number {
  for (let day = addDays(date, 1); ; day = addDays(day, 1)) {
    const session = sessionOn(table, day);
    if (session?.kind === 'regular') return session.closeMs;
  }
}

/** How far to look back, nearest first, so that neither frequent nor rare schedules are walked for long. */
const LOOK_BACK_MS = [3_600_000, DAY_MS, 8 * DAY_MS, 40 * DAY_MS, 400 * DAY_MS, 41 * 366 * DAY_MS];

async function lastCron(expression: string, tz: string, atMs: number): Promise<Tick> {
  const { Cron } = await import('croner');
  const around = partsOf(expression).map((part) =>
    runsAround(new Cron(part, { timezone: tz, paused: true }), atMs),
  );
  const tickMs = Math.max(...around.map(({ lastMs }) => lastMs));
  if (!Number.isFinite(tickMs))
    throw new RangeError(`the schedule "${expression}" has had no run for forty years`);
  return { tickMs, fromMs: tickMs, untilMs: Math.min(...around.map(({ nextMs }) => nextMs)) };
}

/**
 * A day of the month and one of the week mean either. Croner, which is asked for both at once, passes over the first of March
 * where the second or third is such a day of the week, so each is asked for by itself.
 */
function partsOf(expression: string): readonly string[] {
  const [minute, hour, day, month, weekday] = expression.split(/\s+/);
  // With a plus both are meant together.
  if (weekday === undefined || [day, weekday].some((field) => field === '*' || field === '?'))
    return [expression];
  if (weekday.startsWith('+')) return [expression];
  return [[minute, hour, day, month, '*'].join(' '), [minute, hour, '*', month, weekday].join(' ')];
}

/** The last run at or before an instant and the first one after it; infinitely far where there is none. */
function runsAround(
  cron: Pick<Cron, 'nextRun'>,
  atMs: number,
): { readonly lastMs: number; readonly nextMs: number } {
  const after = (ms: number): number => cron.nextRun(new Date(ms))?.getTime() ?? Number.POSITIVE_INFINITY;
  for (const backMs of LOOK_BACK_MS) {
    let lastMs = after(atMs - backMs - 1);
    if (lastMs > atMs) continue;
    for (let nextMs = after(lastMs); ; nextMs = after(lastMs)) {
      if (nextMs > atMs) return { lastMs, nextMs };
      lastMs = nextMs;
    }
  }
  return { lastMs: Number.NEGATIVE_INFINITY, nextMs: after(atMs) };
}
