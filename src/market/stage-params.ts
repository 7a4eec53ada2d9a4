import { MarketError } from './market-error.ts';

/** Reads checked values out of a stage's parameters by dotted path. Every method throws `params.invalid` naming path and value. */
export interface StageParams {
  /** A text that is not empty. A number or boolean is refused: YAML reads `2026` as one. */
  text(path: string): string;
  /** A whole number between `min` and `max`, both included. */
  count(path: string, range: { readonly min: number; readonly max: number }): number;
  /** A number from 0 to 1, both included. */
  fraction(path: string): number;
  /** A list of texts, perhaps empty. */
  texts(path: string): readonly string[];
  /** One or more texts, each of them one of `choices`, none twice. */
  choices<T extends string>(path: string, choices: readonly T[]): readonly T[];
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
  const refuse = (path: string, want: string, value: unknown): never => {
    const told =
      value === undefined
        ? 'missing'
        : JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
    throw new MarketError('params.invalid', `parameter ${path} must be ${want}, it is ${told}`);
  };
  return {
    text(path) {
      const value = find(path);
      return typeof value === 'string' && value !== '' ? value : refuse(path, 'a text', value);
    },
    count(path, { min, max }) {
      const value = find(path);
      return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
        ? value
        : refuse(path, `a whole number from ${min} to ${max}`, value);
    },
    fraction(path) {
      const value = find(path);
      return typeof value === 'number' && value >= 0 && value <= 1
        ? value
        : refuse(path, 'a number from 0 to 1', value);
    },
    texts(path) {
      const value = find(path);
      const isText = (entry: unknown): entry is string => typeof entry === 'string' && entry !== '';
      return Array.isArray(value) && value.every(isText) ? value : refuse(path, 'a list of texts', value);
    },
    choices<T extends string>(path: string, choices: readonly T[]) {
      const value = find(path);
      const known = (entry: unknown): entry is T => (choices as readonly unknown[]).includes(entry);
      return Array.isArray(value) &&
        value.length > 0 &&
        value.every(known) &&
        new Set(value).size === value.length
        ? value
        : refuse(path, `a list of ${choices.join(', ')}, each at most once`, value);
    },
  };
}
