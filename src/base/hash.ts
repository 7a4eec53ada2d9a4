import type * as Crypto from 'node:crypto';
import { byCodeUnit } from './path.ts';
import type { ContentHash, HashAlgorithm, Json } from './types.ts';

/** Loading it takes as long as all else that a run with nothing to do does, and such a run hashes nothing. */
function crypto(): typeof Crypto {
  return process.getBuiltinModule('node:crypto');
}

/**
 * The canonical text of a value (RFC 8785: keys by UTF-16 code unit, no blanks, shortest numbers); integers beyond
 * 2^53 keep their digits. Throws a `TypeError` for NaN and infinities, which JSON cannot say.
 */
export function canonicalJson(value: Json): string {
  return formatJson(value, (map) => Object.keys(map).sort(byCodeUnit));
}

/** The same with keys in the order in which a program meets them. */
export function orderedJson(value: Json): string {
  return formatJson(value, Object.keys);
}

function formatJson(value: Json, keysOf: (map: object) => readonly string[]): string {
  if (typeof value === 'string') return JSON.stringify(value.toWellFormed());
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${value} has no canonical form`);
    return JSON.stringify(value);
  }
  if (typeof value === 'bigint') return value.toString();
  if (value === null || typeof value === 'boolean') return String(value);
  if (isList(value)) return `[${value.map((item) => formatJson(item, keysOf)).join(',')}]`;
  const parts: string[] = [];
  for (const key of keysOf(value)) {
    const item = value[key];
    if (item !== undefined) parts.push(`${JSON.stringify(key)}:${formatJson(item, keysOf)}`);
  }
  return `{${parts.join(',')}}`;
}

/** The same value with the keys of its maps in order, however deep. */
export function sortKeys(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (isList(value)) return value.map(sortKeys);
  const entries = Object.entries(value).sort(([a], [b]) => byCodeUnit(a, b));
  return Object.fromEntries(entries.map(([key, item]) => [key, sortKeys(item)]));
}

/** `JSON.parse` that keeps the digits of integers a double cannot hold, as `bigint`. */
export function parseJson(text: string): Json {
  if (!/\d{16}/.test(text)) return JSON.parse(text) as Json;
  const keepDigits = (_: string, value: unknown, context: { readonly source?: string }): unknown =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context.source ?? '')
      ? BigInt(context.source ?? '')
      : value;
  return JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown) as Json;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** SHA-256 of a text's UTF-8 bytes or of bytes, 64 lower-case hex digits. */
export function sha256Hex(data: string | Uint8Array): string {
  return crypto().hash('sha256', data);
}

export function hashBytes(algorithm: HashAlgorithm, data: string | Uint8Array): ContentHash {
  return `${algorithm}:${crypto().hash(algorithm, data)}`;
}

/** A hash that is fed piece by piece. */
export interface RunningHash {
  update(data: Uint8Array): void;
  end(): ContentHash;
}

export function createRunningHash(algorithm: HashAlgorithm): RunningHash {
  const running = crypto().createHash(algorithm);
  return { update: (data) => void running.update(data), end: () => `${algorithm}:${running.digest('hex')}` };
}

export const ALGORITHMS: readonly HashAlgorithm[] = ['sha256', 'md5'];

/** Hex digits of a digest. */
export const DIGITS: Readonly<Record<HashAlgorithm, number>> = { sha256: 64, md5: 32 };

/** True for the lower-case hex digits of a digest, and nothing else. */
export function isDigest(text: string, algorithm: HashAlgorithm): boolean {
  return text.length === DIGITS[algorithm] && /^[0-9a-f]*$/.test(text);
}

/** True for `sha256:<64 hex>` or `md5:<32 hex>`, with or without `.dir`. */
export function isContentHash(text: unknown): text is ContentHash {
  if (typeof text !== 'string') return false;
  const match = /^(sha256|md5):([0-9a-f]+)(?:\.dir)?$/.exec(text);
  return match !== null && match[2]?.length === DIGITS[match[1] as HashAlgorithm];
}

export function algorithmOf(content: ContentHash): HashAlgorithm {
  return content.startsWith('md5:') ? 'md5' : 'sha256';
}

/** The digest without its algorithm, `.dir` included. */
export function digestOf(content: ContentHash): string {
  return content.slice(content.indexOf(':') + 1);
}

/** What the bytes of an object hash to: the name of a manifest has `.dir` behind it. */
export function withoutDir(content: ContentHash): ContentHash {
  return isTreeHash(content) ? (content.slice(0, -'.dir'.length) as ContentHash) : content;
}

export function isTreeHash(content: ContentHash): boolean {
  return content.endsWith('.dir');
}

/** Where an object lives below a cache or a remote: `files/sha256/ab/cdef…[.dir]` (DVC 3's layout). */
export function objectPath(content: ContentHash): string {
  const digest = digestOf(content);
  return `files/${algorithmOf(content)}/${digest.slice(0, 2)}/${digest.slice(2)}`;
}

/** `sha256:ab`: what the hashes of objects in one folder have in common. */
export function folderKey(content: ContentHash): string {
  return content.slice(0, content.indexOf(':') + 3);
}

/** The inverse of `objectPath`; `undefined` for a path that is no object's. */
export function parseObjectPath(path: string): ContentHash | undefined {
  const match = /^files\/(sha256|md5)\/([0-9a-f]{2})\/([0-9a-f]+(?:\.dir)?)$/.exec(path);
  if (!match) return undefined;
  const content = `${match[1]}:${match[2]}${match[3]}`;
  return isContentHash(content) ? content : undefined;
}
