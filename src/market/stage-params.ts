import { MarketError } from './market-error.ts';

/** Reads checked values out of a stage's parameters by dotted path. Every method throws `params.invalid` naming path and value. */
export interface StageParams {
  /** A text that is not empty. A number or boolean is refused: YAML reads `2026` as one. */
  text(path: string): string;
  /** A whole number between `min` and `max`, both included. */
  count(path: string, range: { readonly min: number; readonly max: number }): number;
  /** A number from 0 to 1, both included. */
  fraction(path: string): number;
  /** A list of at least `least` (1) texts, each of them one of `choices`, none twice. */
  choices<T extends string>(path: string, choices: readonly T[], least?: number): readonly T[];
  /** Checks that a map stands there, and no key in it but the known ones. */
  keys(path: string, known: readonly string[]): void;
  /** Throws for a check of the caller's own: the value must be `want`, and is not. */
  refuse(path: string, want: string): never;
}

/** A reader over the `params` of a stage (nested plain data). */
export function createStageParams(params: unknown): StageParams {
  const find = (path: string): unknown =>
    path
      .split('.')
      .reduce<unknown>(
        (value, key) =>
          typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined,
        params,
      );
  const tell = (path: string): string => {
    const value = find(path);
    if (value === undefined) return 'missing';
    return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
  };
  const refuse = (path: string, want: string, more = ''): never => {
    throw new MarketError('params.invalid', `parameter ${path} must be ${want}, it is ${tell(path)}${more}`);
  };
  return {
    refuse: (path, want) => refuse(path, want),
    text(path) {
      const value = find(path);
      return typeof value === 'string' && value !== '' ? value : refuse(path, 'a text');
    },
    count(path, { min, max }) {
      const value = find(path);
      return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
        ? value
        : refuse(path, `a whole number from ${min} to ${max}`);
    },
    fraction(path) {
      const value = find(path);
      return typeof value === 'number' && value >= 0 && value <= 1
        ? value
        : refuse(path, 'a number from 0 to 1');
    },
    choices<T extends string>(path: string, choices: readonly T[], least = 1) {
      const value = find(path);
      const known = (entry: unknown): entry is T => (choices as readonly unknown[]).includes(entry);
      return Array.isArray(value) &&
        value.length >= least &&
        value.every(known) &&
        new Set(value).size === value.length
        ? value
        : refuse(path, `a list of ${choices.join(', ')}, each at most once`);
    },
    keys(path, known) {
      const value = find(path);
      const want = `a map of ${known.join(', ')}`;
      const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
      if (!isMap) refuse(path, want);
      const unknown = Object.keys(value ?? {}).filter((key) => !known.includes(key));
      if (unknown.length > 0) refuse(path, want, ` with the unknown ${unknown.join(', ')}`);
    },
  };
}
