import { suggest } from '../base/text.ts';
import type { Report } from './report.ts';
import { type Text, textOf, type Tree } from './tree.ts';

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `500ms 30s 15m 2h 7d 1w` in milliseconds; `positive` refuses zero (`pipeline.value`). The wrong form is the schema's to tell. */
export function durationOf(tree: Tree | undefined, report: Report, positive?: string): number | undefined {
  const text = textOf(tree);
  const match = text && /^(\d+)(ms|s|m|h|d|w)$/.exec(text.value);
  if (!match) return undefined;
  const ms = Number(match[1]) * (UNITS_MS[match[2] ?? ''] ?? Number.NaN);
  const fault = !Number.isSafeInteger(ms)
    ? `the duration ${text.value} is too long to count`
    : ms === 0 && positive !== undefined
      ? `${positive} must be more than 0`
      : undefined;
  if (fault === undefined) return ms;
  report.add('pipeline.value', fault, { at: text.at });
  return undefined;
}

/** Names that hold credentials by custom (`API_KEY`, `GITHUB_TOKEN`, `DB_PASSWORD`): their values belong to no fingerprint. */
const SECRET_NAME =
  /(^|_)(TOKEN|SECRET|SECRETS|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|CREDENTIALS|APIKEY)(_|$)|(API|ACCESS|PRIVATE|SECRET|ACCOUNT|AUTH)_KEY(_|$)/i;

/** What the runner itself sets for every stage. */
const FIXED_NAMES: ReadonlySet<string> = new Set(['TZ', 'LC_ALL']);

/** The variable names of `env:` or `secrets:`, each once, in written order. Problems: `env.name`, `env.fixed`, `env.secret`. */
export function readNames(
  items: readonly Tree[],
  kind: 'env' | 'secrets',
  report: Report,
): readonly string[] {
  const names = new Set<string>();
  for (const item of items) {
    const text = textOf(item);
    if (text === undefined) continue;
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(text.value)) {
      const shown = text.value.replace(/=.*/s, '=…');
      const hint = /=/.test(text.value)
        ? 'give the name alone: the value comes from the environment'
        : 'use letters, digits and "_"';
      report.add('env.name', `"${shown}" is no name of an environment variable`, { at: text.at, hint });
    } else if (FIXED_NAMES.has(text.value)) {
      report.add('env.fixed', `"${text.value}" is the same for every stage, whatever the environment says`, {
        at: text.at,
        hint: 'outs must not depend on the machine: make what the stage is to see a parameter',
      });
    } else if (kind === 'env' && SECRET_NAME.test(text.value)) {
      report.add(
        'env.secret',
        `"${text.value}" looks like a secret, and "env" makes it part of the fingerprint`,
        {
          at: text.at,
          hint: 'list it under "secrets:"',
        },
      );
    } else names.add(text.value);
  }
  return [...names];
}

/** Zones that Intl lists under their former names only. */
const RENAMED_ZONES = [
  'UTC',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Asia/Yangon',
  'Asia/Ho_Chi_Minh',
  'Europe/Kyiv',
];

/** A time zone of the tz database (`Area/City` or `UTC`); `time.zone` otherwise. */
export function readZone(text: Text, report: Report): string | undefined {
  if (isZone(text.value)) return text.value;
  const near = suggest(text.value, [...RENAMED_ZONES, ...Intl.supportedValuesOf('timeZone')]);
  report.add('time.zone', `"${text.value}" is no time zone`, {
    at: text.at,
    hint: near === undefined ? 'write it as Area/City, such as Asia/Kolkata' : `did you mean "${near}"?`,
  });
  return undefined;
}

function isZone(zone: string): boolean {
  // Intl takes offsets and abbreviations too, but IST is a time in three countries.
  if (zone !== 'UTC' && !zone.includes('/')) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
