import { PipelineError } from '../base/error.ts';
import { digestOf, hashBytes, isContentHash } from '../base/hash.ts';
import { byCodePoint, guardedPart, pathSetFault, relPathFault } from '../base/path.ts';
import type { ContentHash, HashAlgorithm } from '../base/types.ts';

/** One file of a directory: its path below the directory and the hash of its bytes. */
export interface TreeEntry {
  readonly relpath: string;
  readonly hash: ContentHash;
}

/** More than any real directory and small enough to refuse a hostile manifest early. */
const MAX_MANIFEST_BYTES = 512 * 1024 * 1024;

/**
 * The directory manifest in DVC's exact serialisation: a JSON array of `{"<algorithm>": hex, "relpath": path}` with
 * `, ` and `: ` as separators, ASCII only, sorted by the code points of the whole path.
 */
export function formatManifest(entries: readonly TreeEntry[], algorithm: HashAlgorithm): string {
  const sorted = isSorted(entries) ? entries : [...entries].sort((a, b) => byCodePoint(a.relpath, b.relpath));
  const items = sorted.map(
    (entry) => `{"${algorithm}": "${digestOf(entry.hash)}", "relpath": ${pythonJson(entry.relpath)}}`,
  );
  return `[${items.join(', ')}]`;
}

/** The hash of a directory: that of its manifest, with DVC's `.dir` behind it. */
export function hashManifest(manifest: string | Uint8Array, algorithm: HashAlgorithm): ContentHash {
  return `${hashBytes(algorithm, manifest)}.dir`;
}

function isSorted(entries: readonly TreeEntry[]): boolean {
  for (let i = 1; i < entries.length; i++) {
    if (byCodePoint(entries[i - 1]?.relpath ?? '', entries[i]?.relpath ?? '') > 0) return false;
  }
  return true;
}

/** Python's `json.dumps` of a string: everything outside U+0020–U+007E escaped, DEL too. */
export function pythonJson(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  return JSON.stringify(text).replaceAll(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
const PLAIN = /^[ !#-[\]-~]*$/;

/**
 * Reads a manifest, which is untrusted text: throws `manifest.invalid` for anything but the exact shape with safe,
 * unique paths of which none is both a file and a folder.
 */
export function parseManifest(bytes: Uint8Array, algorithm: HashAlgorithm): readonly TreeEntry[] {
  if (bytes.length > MAX_MANIFEST_BYTES) throw invalid(`it is larger than ${MAX_MANIFEST_BYTES} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    throw invalid('it is not JSON');
  }
  if (!Array.isArray(value)) throw invalid('it is not a list');
  const entries = value.map((item) => parseEntry(item, algorithm));
  const faults = pathSetFault(entries.map((entry) => entry.relpath));
  if (faults !== undefined) throw invalid(faults);
  // Other bytes with this meaning would be another hash: a folder placed from them would look changed for ever.
  const exact = Buffer.from(formatManifest(entries, algorithm));
  if (!exact.equals(bytes)) throw invalid('its entries are not laid out or sorted as in every manifest');
  return entries;
}

function parseEntry(item: unknown, algorithm: HashAlgorithm): TreeEntry {
  if (typeof item !== 'object' || item === null) throw invalid('an entry is not a map');
  const { relpath, [algorithm]: digest, ...rest } = item as Record<string, unknown>;
  if (Object.keys(rest).length > 0) throw invalid(`an entry has the unknown key "${Object.keys(rest)[0]}"`);
  if (typeof relpath !== 'string') throw invalid('an entry has no relpath');
  const fault = relPathFault(relpath) ?? guardedPart(relpath);
  if (fault !== undefined) throw invalid(`the path "${relpath}" ${fault}`);
  const hash = `${algorithm}:${String(digest)}`;
  if (!isContentHash(hash) || hash.endsWith('.dir')) throw invalid(`"${relpath}" has no valid ${algorithm}`);
  return { relpath, hash };
}

function invalid(why: string): PipelineError {
  return new PipelineError('manifest.invalid', `a directory manifest is refused: ${why}`, {
    hint: 'the object was not written by lockstep or dvc; remove it from the cache or remote and push it again',
  });
}
