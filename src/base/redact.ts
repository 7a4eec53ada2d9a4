const MASK = '***';
/** Shorter values would mask ordinary words. */
const MIN_LENGTH = 4;

/** Replaces secret values in text. */
export interface Redactor {
  text(text: string): string;
  /** For text that comes in chunks: a secret split between two chunks is found too. Order matters. */
  stream(): { push(chunk: string): string; end(): string };
}

/** Masks every given value (of at least four characters) wherever it appears. */
export function createRedactor(secrets: Iterable<string>): Redactor {
  const values = [...new Set(secrets)]
    .filter((value) => value.length >= MIN_LENGTH)
    .sort((a, b) => b.length - a.length);
  if (values.length === 0)
    return { text: (text) => text, stream: () => ({ push: (chunk) => chunk, end: () => '' }) };
  const pattern = new RegExp(values.map((value) => RegExp.escape(value)).join('|'), 'g');
  const text = (raw: string): string => raw.replaceAll(pattern, MASK);
  return {
    text,
    stream() {
      let held = '';
      return {
        push(chunk) {
          const all = text(held + chunk);
          const keep = longestStart(all, values);
          held = all.slice(all.length - keep);
          return all.slice(0, all.length - keep);
        },
        end() {
          const rest = held;
          held = '';
          return rest;
        },
      };
    },
  };
}

/** How many last characters of the text could be the beginning of a value. */
function longestStart(text: string, values: readonly string[]): number {
  let longest = 0;
  for (const value of values) {
    for (let length = Math.min(value.length - 1, text.length); length > longest; length--) {
      if (text.endsWith(value.slice(0, length))) {
        longest = length;
        break;
      }
    }
  }
  return longest;
}
