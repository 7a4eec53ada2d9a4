import { lastSessionByDate } from '../../base/session.ts';
import type { SessionTable } from '../../base/session.ts';

/**
 * The instant a report stands for: the official close of the last regular session up to a local date, in UTC
 * (`2026-03-17T10:00:00Z`). It depends on the tick alone, never on when the report was written.
 */
export function tickTimestamp(calendar: SessionTable, tickDate: string): string {
  return new Date(lastSessionByDate(calendar, tickDate).closeMs).toISOString().replace('.000Z', 'Z');
}
