import { homedir } from 'node:os';
import { join } from 'node:path';
import type { RemoteConfig } from '../base/remote.ts';
import { didYouMean } from '../base/text.ts';
import type { Json } from '../base/types.ts';
import { remoteFault } from './faults.ts';

/** What an option may hold: a text, a path (`~/` is the home folder), a web address, a positive whole number, yes or no. */
export type OptionKind = 'text' | 'path' | 'url' | 'count' | 'switch';

interface OptionTypes {
  readonly text: string;
  readonly path: string;
  readonly url: string;
  readonly count: number;
  readonly switch: boolean;
}

/** The options of one remote: name → kind. */
export type OptionSpec = Readonly<Record<string, OptionKind>>;

/** What was written for them; an option that was left out is absent. */
export type OptionValues<Spec extends OptionSpec> = {
  readonly [Name in keyof Spec]?: OptionTypes[Spec[Name]] | undefined;
} & { readonly jobs?: number };

const EXPECTED: Readonly<Record<OptionKind, string>> = {
  text: 'a text',
  path: 'a path',
  url: 'a url such as "https://host:9000"',
  count: 'a whole number of at least 1',
  switch: 'true or false',
};

/**
 * Checks the options of a remote against what it knows; every remote also knows `jobs`, the number of requests under
 * way at once. Throws `remote.option` for an unknown name (with the nearest known one) or a value of another type.
 */
export function readOptions<const Spec extends OptionSpec>(
  config: RemoteConfig,
  spec: Spec,
): OptionValues<Spec> {
  const known: Readonly<Record<string, OptionKind>> = { ...spec, jobs: 'count' };
  const values: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(config.options)) {
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (kind === undefined) {
      throw remoteFault(config, 'option', {
        what: `no option is called "${name}"`,
        hint: didYouMean(name, Object.keys(known)),
      });
    }
    if (value === null) continue;
    const read = readValue(kind, kind === 'path' ? fromHome(value, name, config) : value);
    if (read === undefined) {
      throw remoteFault(config, 'option', { what: `the option "${name}" is not ${EXPECTED[kind]}` });
    }
    values[name] = read;
  }
  return values as OptionValues<Spec>;
}

function readValue(kind: OptionKind, value: Json): string | number | boolean | undefined {
  switch (kind) {
    case 'text':
    case 'path': {
      // An account or key of digits alone reads as a number in YAML.
      const text = typeof value === 'number' || typeof value === 'bigint' ? String(value) : value;
      if (typeof text !== 'string' || text === '') return undefined;
      return text;
    }
    case 'url':
      // `localhost:9000` is a url too, of the scheme "localhost".
      return typeof value === 'string' && /^https?:\/\/[^/]/i.test(value) && URL.canParse(value)
        ? value
        : undefined;
    case 'count':
      return readCount(value);
    case 'switch':
      if (value === 'true' || value === 'false') return value === 'true';
      return typeof value === 'boolean' ? value : undefined;
    default:
      return kind satisfies never;
  }
}

function fromHome(path: Json, name: string, config: RemoteConfig): Json {
  if (typeof path !== 'string' || !path.startsWith('~/')) return path;
  try {
    return join(homedir(), path.slice(2));
  } catch {
    // A container's user may be a number that the system has no name and no home for.
    throw remoteFault(config, 'option', {
      what: `the option "${name}" begins with "~", and HOME is not set`,
      hint: 'set HOME, or write the whole path',
    });
  }
}

function readCount(value: Json): number | undefined {
  const count = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 1 ? count : undefined;
}
