import { isDate } from '../base/session.ts';
import { suggest } from '../base/text.ts';
import type { Location, Refresh } from '../base/types.ts';
import { readCronIn } from './cron.ts';
import { durationOf } from './fields.ts';
import type { Report } from './report.ts';
import { child, textOf, type Tree } from './tree.ts';

/** A session's close is followed by this wait, within which sources settle their bars. */
const SESSION_DELAY_MS = 30 * 60_000;

/** Before and after these years, dates and cron expressions are no longer counted rightly. */
const FIRST_YEAR = 1000;
const LAST_YEAR = 2999;

/** Keys that belong to one kind alone. */
const COMPANIONS = [
  ['tz', 'cron'],
  ['delay', 'session'],
] as const;

const KEYS: ReadonlySet<string> = new Set(['every', 'cron', 'tz', 'session', 'delay', 'as_of']);

/** `refresh:` of a stage. Problems: `refresh.kind`, `refresh.as-of`, `refresh.session`, `time.cron`, `time.zone`. */
export function readRefresh(
  tree: Tree | undefined,
  stage: string,
  at: Location,
  report: Report,
): Refresh | undefined {
  if (tree?.kind !== 'map') return undefined;
  const kinds = (['every', 'cron', 'session'] as const).filter((kind) => tree.entries.has(kind));
  const [kind, other] = kinds;
  // What is meant by a key that is none, the schema says.
  if (kind === undefined && [...tree.entries.keys()].some((key) => !KEYS.has(key))) return undefined;
  if (kind === undefined || other !== undefined) {
    const message = other
      ? `"${kind}" and "${other}" exclude each other`
      : 'one of "every", "cron", "session" is needed';
    report.add('refresh.kind', `"refresh" in stage "${stage}": ${message}`, {
      at: other ? (tree.entries.get(other)?.keyAt ?? at) : at,
    });
    return undefined;
  }
  for (const [key, of] of COMPANIONS) {
    const entry = kind === of ? undefined : tree.entries.get(key);
    const message = `"${key}" belongs to "${of}", and "refresh" in stage "${stage}" has "${kind}"`;
    if (entry) report.add('refresh.kind', message, { at: entry.keyAt });
  }
  const base = { asOf: readAsOf(tree, report), at };
  if (kind === 'every') {
    const everyMs = durationOf(child(tree, 'every'), report, '"every"');
    return everyMs === undefined ? undefined : { ...base, kind, everyMs };
  }
  if (kind === 'cron') {
    const schedule = readCronIn(tree, report);
    return schedule && { ...base, kind, ...schedule };
  }
  const session = textOf(child(tree, 'session'));
  const delayMs = durationOf(child(tree, 'delay'), report) ?? SESSION_DELAY_MS;
  if (session === undefined) return undefined;
  if (!/^[A-Z0-9]{4}$/.test(session.value)) {
    const upper = session.value.toUpperCase();
    report.add('refresh.session', `"${session.value}" is no market code`, {
      at: session.at,
      hint: /^[A-Z0-9]{4}$/.test(upper)
        ? `did you mean "${upper}"?`
        : 'four capital letters or digits (ISO 10383), such as XBOM',
    });
    return undefined;
  }
  return { ...base, kind, exchange: session.value, delayMs, at: session.at };
}

function readAsOf(tree: Tree, report: Report): string {
  const text = textOf(child(tree, 'as_of'));
  if (text === undefined || text.value === 'now') return 'now';
  if (isDate(text.value)) {
    const year = Number(text.value.slice(0, 4));
    if (year >= FIRST_YEAR && year <= LAST_YEAR) return text.value;
    report.add('refresh.as-of', `"as_of": no calendar reaches to ${text.value}`, {
      at: text.at,
      hint: `take a year from ${FIRST_YEAR} to ${LAST_YEAR}`,
    });
    return 'now';
  }
  const real = /^\d{4}-\d{2}-\d{2}$/.test(text.value);
  report.add(
    'refresh.as-of',
    real ? `the date ${text.value} does not exist` : `"as_of": expected "now" or a date, got "${text.value}"`,
    {
      at: text.at,
      hint: suggest(text.value, ['now'])
        ? 'did you mean "now"?'
        : real
          ? undefined
          : 'write dates as 2024-06-28',
    },
  );
  return 'now';
}
