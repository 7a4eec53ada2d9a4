import type { Event } from '../base/event.ts';

/** TypeScript's library does not know it yet. Source: ECMA-262 proposal "JSON.parse source text access". */
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => object };

/**
 * An event as one line of JSON with its line end. `v`, `at` and `type` come first; a whole number that a double
 * cannot hold keeps its digits (`parseJson` reads it back); `docs/events.md` lists the fields.
 */
export function formatEventLine(event: Event): string {
  const { v, at, type, ...rest } = event;
  const ordered = { v, at, type, ...rest };
  // Output is most of what is written, and holds no numbers.
  return `${type === 'stage-output' ? JSON.stringify(ordered) : JSON.stringify(ordered, keepDigits)}\n`;
}

/** For `JSON.stringify`: a `bigint` is written with all its digits, as a number. */
export function keepDigits(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? rawJSON(value.toString()) : value;
}
