import xbom from '../../calendars/sessions-XBOM.json' with { type: 'json' };
import xnys from '../../calendars/sessions-XNYS.json' with { type: 'json' };
import { parseSessionTable } from '../base/session.ts';
import type { SessionTable } from '../base/session.ts';

/** A market that never closes: every UTC day is a session from midnight to midnight (crypto). */
const always = {
  mic: '24/7',
  aliases: ['CRYPTO'],
  zone: 'UTC',
  open: '00:00',
  close: '24:00',
  weekmask: '1111111',
  known_from: '1970-01-01',
  known_through: '9999-12-31',
  source: ['By definition.'],
  fixed_holidays: [],
  sessions: [],
  holidays: [],
};

const tables = [xbom, xnys, always];

/**
 * The session table of an exchange, by its MIC (`XBOM`, `XNYS`), by an alias of it (`XNSE`, `XNAS`) or `24/7`.
 * Throws an Error naming the known ones when there is no such table. The table is parsed anew on each call; keep it.
 */
export function calendarFor(mic: string): SessionTable {
  const found = tables.find((table) => table.mic === mic || table.aliases.includes(mic));
  if (found === undefined) {
    const known = tables.flatMap((table) => [table.mic, ...table.aliases]).join(', ');
    throw new Error(`no calendar for "${mic}"; known are ${known}`);
  }
  return parseSessionTable(found);
}
