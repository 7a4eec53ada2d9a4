import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseSessionTable } from '../../src/base/session.ts';
import type { SessionTable } from '../../src/base/session.ts';
import { tickAt } from '../../src/plan/tick.ts';
import type { Tick } from '../../src/plan/tick.ts';
import { stageOf } from '../read/rig.ts';

const XBOM = parseSessionTable(
  JSON.parse(readFileSync(new URL('../../calendars/sessions-XBOM.json', import.meta.url), 'utf8')),
);
const tableOf = (): SessionTable => XBOM;

async function found(refresh: string, now: string): Promise<Tick> {
  const stage = stageOf(`cmd: make\nrefresh: ${refresh}\nouts: [x]`);
  if (!stage.refresh) throw new Error('no refresh');
  const one = await tickAt(stage.refresh, Date.parse(now), tableOf);
  if (stage.refresh.asOf === 'now')
    assert.ok(
      one.fromMs <= Date.parse(now) && Date.parse(now) < one.untilMs,
      'now lies in the span of its tick',
    );
  return one;
}

async function tick(refresh: string, now: string): Promise<string> {
  return new Date((await found(refresh, now)).tickMs).toISOString();
}

/** Hand-derived: 1970-01-05 was a Monday, 2026-03-16 is one; India is at +05:30 all year. */
const TABLE: readonly (readonly [refresh: string, now: string, tick: string])[] = [
  ['{ every: 7d }', '2026-03-18T11:00:00Z', '2026-03-16T00:00:00.000Z'],
  ['{ every: 7d }', '2026-03-16T00:00:00Z', '2026-03-16T00:00:00.000Z'],
  ['{ every: 7d }', '2026-03-15T23:59:59.999Z', '2026-03-09T00:00:00.000Z'],
  ['{ every: 1d }', '2026-03-18T11:00:00Z', '2026-03-18T00:00:00.000Z'],
  ['{ every: 6h }', '2026-03-18T11:00:00Z', '2026-03-18T06:00:00.000Z'],
  ['{ every: 15m }', '2026-03-18T11:14:59Z', '2026-03-18T11:00:00.000Z'],
  ['{ every: 7d, as_of: 2026-03-22 }', '1999-01-01T00:00:00Z', '2026-03-16T00:00:00.000Z'],
  ['{ every: 1d, as_of: 2026-03-22 }', '1999-01-01T00:00:00Z', '2026-03-22T00:00:00.000Z'],
  // The first and the last year that are taken.
  ['{ cron: "0 6 29 2 *", as_of: 1000-01-01 }', '1999-01-01T00:00:00Z', '0996-02-29T06:00:00.000Z'],
  ['{ cron: "0 6 * * *", as_of: 2999-12-31 }', '1999-01-01T00:00:00Z', '2999-12-31T06:00:00.000Z'],
  // Clocks in Stockholm: 02:00 → 03:00 on 2026-03-29, 03:00 → 02:00 on 2026-10-25.
  ['{ cron: "0 6 * * *", tz: Europe/Stockholm }', '2026-03-28T12:00:00Z', '2026-03-28T05:00:00.000Z'],
  ['{ cron: "0 6 * * *", tz: Europe/Stockholm }', '2026-03-29T12:00:00Z', '2026-03-29T04:00:00.000Z'],
  ['{ cron: "0 6 * * *", tz: Europe/Stockholm }', '2026-03-29T03:59:59Z', '2026-03-28T05:00:00.000Z'],
  ['{ cron: "0 6 * * *", tz: Europe/Stockholm }', '2026-10-25T12:00:00Z', '2026-10-25T05:00:00.000Z'],
  ['{ cron: "30 * * * *", tz: Europe/Stockholm }', '2026-03-29T01:45:00Z', '2026-03-29T01:30:00.000Z'],
  ['{ cron: "0 6 * * 1-5", tz: Asia/Kolkata }', '2026-03-15T12:00:00Z', '2026-03-13T00:30:00.000Z'],
  [
    '{ cron: "0 6 * * 1-5", tz: Asia/Kolkata, as_of: 2026-03-16 }',
    '1999-01-01T00:00:00Z',
    '2026-03-16T00:30:00.000Z',
  ],
  // The end of that day in Kolkata is 18:30 UTC.
  [
    '{ cron: "59 23 * * *", tz: Asia/Kolkata, as_of: 2026-03-16 }',
    '1999-01-01T00:00:00Z',
    '2026-03-16T18:29:00.000Z',
  ],
  [
    '{ cron: "0 0 * * *", tz: Asia/Kolkata, as_of: 2026-03-16 }',
    '1999-01-01T00:00:00Z',
    '2026-03-15T18:30:00.000Z',
  ],
  ['{ cron: "0 0 1 1 *", tz: UTC }', '2026-03-16T00:00:00Z', '2026-01-01T00:00:00.000Z'],
  ['{ cron: "0 0 29 2 *", tz: UTC }', '2026-03-16T00:00:00Z', '2024-02-29T00:00:00.000Z'],
  // 1900-like years: 2100 has no 29 February.
  ['{ cron: "0 0 29 2 *", tz: UTC }', '2103-06-01T00:00:00Z', '2096-02-29T00:00:00.000Z'],
  // A day of the month or of the week: the first of March 2026 is a Sunday, the second a Monday.
  ['{ cron: "0 6 1 * 1" }', '2026-03-01T05:59:59Z', '2026-02-23T06:00:00.000Z'],
  ['{ cron: "0 6 1 * 1" }', '2026-03-01T12:00:00Z', '2026-03-01T06:00:00.000Z'],
  ['{ cron: "0 6 1 * 1" }', '2026-03-02T06:00:00Z', '2026-03-02T06:00:00.000Z'],
  // A day of the month that never comes leaves those of the week.
  ['{ cron: "0 6 30 2 1" }', '2026-03-16T00:00:00Z', '2026-02-23T06:00:00.000Z'],
  // A plus asks for both: a Friday the thirteenth.
  ['{ cron: "0 6 13 * +5" }', '2026-03-12T00:00:00Z', '2026-02-13T06:00:00.000Z'],
  // Bombay closes at 15:30 local time, 10:00 UTC; the delay is half an hour unless told.
  ['{ session: XBOM }', '2026-03-16T10:30:00Z', '2026-03-16T10:30:00.000Z'],
  ['{ session: XBOM }', '2026-03-16T10:29:59Z', '2026-03-13T10:30:00.000Z'],
  ['{ session: XBOM, delay: 0s }', '2026-03-16T10:00:00Z', '2026-03-16T10:00:00.000Z'],
  ['{ session: XBOM, delay: 2h }', '2026-03-16T11:59:59Z', '2026-03-13T12:00:00.000Z'],
  ['{ session: XBOM, as_of: 2026-03-15 }', '1999-01-01T00:00:00Z', '2026-03-13T10:30:00.000Z'],
  ['{ session: XBOM, as_of: 2026-03-16 }', '1999-01-01T00:00:00Z', '2026-03-16T10:30:00.000Z'],
];

for (const [refresh, now, expected] of TABLE) {
  test(`${refresh} at ${now} ticks at ${expected}`, async () => {
    assert.equal(await tick(refresh, now), expected);
  });
}

test('the tick never moves back while time goes on, through both changes of clocks', async () => {
  for (const cron of ['30 2 * * *', '*/20 1-4 * * *', '0 3 * * *']) {
    for (const day of ['2026-03-29', '2026-10-25']) {
      let last = '';
      for (let ms = Date.parse(`${day}T00:00:00Z`); ms < Date.parse(`${day}T06:00:00Z`); ms += 10 * 60_000) {
        const at = await tick(`{ cron: "${cron}", tz: Europe/Stockholm }`, new Date(ms).toISOString());
        assert.ok(at >= last, `${cron}: ${at} after ${last}`);
        assert.ok(Date.parse(at) <= ms);
        last = at;
      }
    }
  }
});

/** Friday 13 to Monday 16 March 2026; the first of March is a Sunday. */
const SPANS: readonly (readonly [refresh: string, now: string, until: string])[] = [
  ['{ session: XBOM }', '2026-03-13T10:30:00Z', '2026-03-16T10:30:00.000Z'],
  ['{ session: XBOM }', '2026-03-16T10:29:30Z', '2026-03-16T10:30:00.000Z'],
  ['{ cron: "0 6 1 * 1" }', '2026-02-27T00:00:00Z', '2026-03-01T06:00:00.000Z'],
];

for (const [refresh, now, until] of SPANS) {
  test(`the tick of ${refresh} at ${now} stands until ${until}, and not a second longer`, async () => {
    const { untilMs } = await found(refresh, now);
    assert.equal(new Date(untilMs).toISOString(), until);
    assert.equal(await tick(refresh, until), until);
  });
}
