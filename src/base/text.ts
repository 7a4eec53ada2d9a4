import { displayWidth } from './display-width.ts';
import { wordOfPath } from './path.ts';

/** What a terminal would obey: control characters, and those that turn a line around (UAX #9). */
const OBEYED = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;
const MANY_OBEYED = new RegExp(`${OBEYED.source}+`, 'gu');

/** Such characters as escapes, line feeds too: a terminal obeys nothing that a file says. */
export function visible(text: string): string {
  return text.replace(OBEYED, (char) => {
    const code = char.charCodeAt(0);
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** The same of text in lines and columns: line feeds and tabs stay. */
export function visibleLines(text: string): string {
  return text.replace(/[^\n\t]+/g, visible);
}

/** `1 file`, `2 files`; an irregular plural may be given. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** More than this is counted, not listed. */
const MAX_LISTED = 3;

/** Items one after the other; when there are many, the first and a count. */
export function formatList(items: readonly string[], separator = ', ', most: number = MAX_LISTED): string {
  if (items.length <= most + 1) return items.join(separator);
  return `${items.slice(0, most).join(separator)}${separator}and ${plural(items.length - most, 'more', 'more')}`;
}

/** Digits in groups of three: `12,345`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `0 B`, `1.5 KiB`, `12 MiB`: at most three significant digits. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1023.5 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : Number(value.toPrecision(2))} ${units[unit]}`;
}

/** `7ms`, `1.2s`, `3m 05s`, `2h 07m`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1000);
  const pad = (n: number): string => String(n).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${pad(seconds % 60)}s`;
  return `${Math.floor(seconds / 3600)}h ${pad(Math.floor((seconds % 3600) / 60))}m`;
}

/** Columns of the widest text of these. Not `Math.max(...)`: there may be more of them than a call takes arguments. */
export function widest<T>(many: readonly T[], textOf: (one: T) => string): number {
  return many.reduce((width, one) => Math.max(width, displayWidth(textOf(one))), 0);
}

/** A text on one line; a terminal obeys nothing in it. */
export function oneLine(text: string): string {
  return text.replace(MANY_OBEYED, ' ');
}

/** Python's `shlex.quote`: single quotes, and only where they are needed. */
export function shellQuote(text: string): string {
  if (text === '') return "''";
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", `'"'"'`)}'`;
}

/** A path from the root as a word of a command that is pasted in `folder`, itself a path from the root. */
export function shellPath(path: string, folder: string): string {
  return shellQuote(wordOfPath(path, folder));
}

/** The candidate nearest to a mistyped word, if one is near enough to be meant. */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase(), bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** A hint naming the nearest candidate, or else all of them when they are few. */
export function didYouMean(word: string, candidates: readonly string[]): string | undefined {
  const near = suggest(word, candidates);
  if (near !== undefined) return `did you mean "${near}"?`;
  return candidates.length > 0 && candidates.length <= 12
    ? `known here: ${candidates.join(', ')}`
    : undefined;
}

/** Edits (insert, delete, replace, swap of neighbours) between two words; stops counting at `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let value = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        value = Math.min(value, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(value);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? limit;
}
