import { DIGITS, isDigest } from '../base/hash.ts';
import type { HashAlgorithm } from '../base/types.ts';
import { MIDDLE, escapeAsPython, startOf } from './manifest-writer.ts';
import type { TreeEntry } from './tree.ts';

/**
 * The entries of a manifest, in one pass over text that has exactly the writer's layout; `undefined` for any other text,
 * be it JSON or not. Says nothing about paths and their order.
 */
export function readManifest(bytes: Uint8Array, algorithm: HashAlgorithm): readonly TreeEntry[] | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  if (text === '[]') return [];
  if (!text.startsWith('[')) return undefined;
  const start = startOf(algorithm);
  const digits = DIGITS[algorithm];
  const entries: TreeEntry[] = [];
  for (let at = 1; ; at += 2) {
    const from = at + start.length;
    const to = from + digits;
    if (!text.startsWith(start, at) || !text.startsWith(MIDDLE, to)) return undefined;
    const digest = text.slice(from, to);
    const end = endOfText(text, to + MIDDLE.length);
    const relpath = unescapeFromPython(text.slice(to + MIDDLE.length, end));
    if (relpath === undefined || !isDigest(digest, algorithm) || !text.startsWith('"}', end))
      return undefined;
    entries.push({ relpath, hash: `${algorithm}:${digest}` });
    at = end + 2;
    if (!text.startsWith(', ', at)) return text.slice(at) === ']' ? entries : undefined;
  }
}

/** Where the quote stands that ends a JSON text; -1 when there is none. */
function endOfText(text: string, from: number): number {
  let end = text.indexOf('"', from);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let before = at - 1;
  while (text[before] === '\\') before--;
  return (at - before) % 2 === 0;
}

/** Printable ASCII without quote and backslash. */
const UNESCAPED = /^[ !#-[\]-~]*$/;

/** The text that Python writes like this; `undefined` when there is none. */
function unescapeFromPython(written: string): string | undefined {
  if (UNESCAPED.test(written)) return written;
  try {
    const text = JSON.parse(`"${written}"`) as string;
    return escapeAsPython(text) === written ? text : undefined;
  } catch {
    return undefined;
  }
}

/** What is wrong with the bytes of which `readManifest` makes nothing. */
export function whyUnreadable(bytes: Uint8Array, algorithm: HashAlgorithm): string {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    return 'it is not JSON';
  }
  if (!Array.isArray(value)) return 'it is not a list';
  for (const item of value) {
    const fault = entryFault(item, algorithm);
    if (fault !== undefined) return fault;
  }
  return BAD_LAYOUT;
}

/** Other bytes with the same meaning would be another hash: a folder placed from them would look changed for ever. */
export const BAD_LAYOUT = 'its entries are not laid out or sorted as in every manifest';

function entryFault(item: unknown, algorithm: HashAlgorithm): string | undefined {
  if (typeof item !== 'object' || item === null) return 'an entry is not a map';
  const { relpath, [algorithm]: digest } = item as Record<string, unknown>;
  for (const key of Object.keys(item))
    if (key !== 'relpath' && key !== algorithm) return `an entry has the unknown key "${key}"`;
  if (typeof relpath !== 'string') return 'an entry has no relpath';
  if (typeof digest !== 'string' || !isDigest(digest, algorithm))
    return `"${relpath}" has no valid ${algorithm}`;
  return undefined;
}
