import { Cron } from 'croner';
import { readZone } from './fields.ts';
import type { Report } from './report.ts';
import { child, type Text, textOf, type Tree } from './tree.ts';

const FIELDS = ['minute', 'hour', 'day', 'month', 'weekday'];

/** `cron` and `tz` of a map, the latter UTC when it is left out. Problems: `time.cron`, `time.zone`. */
export function readCronIn(
  map: Tree | undefined,
  report: Report,
): { readonly cron: string; readonly tz: string } | undefined {
  const text = textOf(child(map, 'cron'));
  const zone = textOf(child(map, 'tz'));
  const cron = text && readCron(text, report);
  const tz = zone ? readZone(zone, report) : 'UTC';
  return cron === undefined || tz === undefined ? undefined : { cron, tz };
}

/** A cron expression of five fields (or a nickname such as `@daily`); `time.cron` otherwise. */
function readCron(text: Text, report: Report): string | undefined {
  const fields = text.value.trim().split(/\s+/);
  const nickname = /^@[a-z]+$/i.test(text.value.trim());
  if (!nickname && fields.length !== FIELDS.length) {
    report.add('time.cron', `"${text.value}" has ${fields.length} fields, and a cron expression has 5`, {
      at: text.at,
      hint: `in this order: ${FIELDS.join(' ')}`,
    });
    return undefined;
  }
  const fault = cronFault(text.value);
  if (fault === undefined) return text.value.trim();
  if (fault === 'never') {
    report.add('time.cron', `"${text.value}" names a day that never comes`, {
      at: text.at,
      hint: 'check the day against the month',
    });
    return undefined;
  }
  const bad = nickname
    ? undefined
    : fields.findIndex(
        (field, i) => cronFault(FIELDS.map((_, j) => (i === j ? field : '*')).join(' ')) !== undefined,
      );
  const which = bad === undefined || bad === -1 ? '' : `: ${FIELDS[bad]} "${fields[bad]}"`;
  report.add('time.cron', `"${text.value}" is no cron expression${which}`, {
    at: text.at,
    hint: nickname
      ? 'known are @hourly @daily @weekly @monthly @yearly'
      : 'such as "0 6 * * 1-5": at 06:00 from Monday to Friday',
  });
  return undefined;
}

function cronFault(expression: string): string | undefined {
  try {
    // A pattern alone starts no timer: only a given function is scheduled.
    const cron = new Cron(expression);
    return cron.nextRun(new Date(0)) === null ? 'never' : undefined;
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return error.message;
    throw error;
  }
}
