const MASK = '***';
/** Shorter values would mask ordinary words. */
const MIN_LENGTH = 4;

/** Replaces secret values in text. */
export interface Redactor {
  /**
   * Half a character, which is left where a module cuts a text, is replaced too: no file of UTF-8 can hold it, and not every
   * reader of JSON takes it.
   */
  text(text: string): string;
  /** For text that comes in chunks: a secret split between two chunks is found too. Order matters. */
  stream(): { push(chunk: string): string; end(): string };
}

/**
 * Masks every given value, and every line of one that has several: keys are printed line by line. Values and lines of
 * fewer than four characters are left as they are.
 */
export function createRedactor(secrets: Iterable<string>): Redactor {
  const values = [...new Set([...secrets].flatMap((secret) => [secret, ...linesOf(secret)]))]
    .filter((value) => value.length >= MIN_LENGTH)
    .sort((a, b) => b.length - a.length);
  if (values.length === 0)
    return { text: (text) => text.toWellFormed(), stream: () => ({ push: (chunk) => chunk, end: () => '' }) };
  const pattern = new RegExp(values.map((value) => RegExp.escape(value)).join('|'), 'g');
  const text = (raw: string): string => raw.toWellFormed().replaceAll(pattern, MASK);
  return {
    text,
    stream() {
      let held = '';
      return {
        push(chunk) {
          const all = held + chunk;
          let shown = '';
          let from = 0;
          let open = all.length - longestStart(all, values);
          for (const { 0: value, index } of all.matchAll(pattern)) {
            // A longer value may begin here, or in front of it.
            if (index >= open) break;
            shown += all.slice(from, index) + MASK;
            from = index + value.length;
            if (from > open) open = all.length - longestStart(all.slice(from), values);
          }
          held = all.slice(open);
          return shown + all.slice(from, open);
        },
        end() {
          const rest = text(held);
          held = '';
          return rest;
        },
      };
    },
  };
}

/** A key in a variable often has `\n` for its line ends. */
function linesOf(secret: string): readonly string[] {
  return secret.split(/\n|\\n/).map((line) => line.trim());
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
