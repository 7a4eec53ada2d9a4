import { PipelineError } from '../base/error.ts';
import { digestOf, hashBytes } from '../base/hash.ts';
import { byCodePoint, keptPathFault, pathSetFault } from '../base/path.ts';
import type { ContentHash, HashAlgorithm } from '../base/types.ts';
import { BAD_LAYOUT, readManifest, whyUnreadable } from './manifest-reader.ts';
import { createManifestWriter } from './manifest-writer.ts';

/** One file of a directory: its path below the directory and the hash of its bytes. */
export interface TreeEntry {
  readonly relpath: string;
  readonly hash: ContentHash;
}

/** More than any real directory, small enough to refuse a hostile manifest early, and what one string can hold. */
const MAX_MANIFEST_BYTES = 511 * 1024 * 1024;

/**
 * The directory manifest in DVC's exact serialisation: a JSON array of `{"<algorithm>": hex, "relpath": path}` with
 * `, ` and `: ` as separators, ASCII only, sorted by the code points of the whole path.
 */
export function formatManifest(entries: readonly TreeEntry[], algorithm: HashAlgorithm): Buffer {
  const sorted = isSorted(entries) ? entries : [...entries].sort((a, b) => byCodePoint(a.relpath, b.relpath));
  const writer = createManifestWriter(algorithm);
  for (const { relpath, hash } of sorted) {
    const at = writer.add('', relpath);
    writer.bytes().write(digestOf(hash), at, 'latin1');
  }
  return writer.end();
}

/** The hash of a directory: that of its manifest, with DVC's `.dir` behind it. */
export function hashManifest(manifest: Uint8Array, algorithm: HashAlgorithm): ContentHash {
  return `${hashBytes(algorithm, manifest)}.dir`;
}

function isSorted(entries: readonly TreeEntry[]): boolean {
  for (let i = 1; i < entries.length; i++) {
    if (!isBefore(entries[i - 1]?.relpath ?? '', entries[i]?.relpath ?? '')) return false;
  }
  return true;
}

/** Code units order most names as code points do, and comparing by them is built in. */
function isBefore(a: string, b: string): boolean {
  return HIGH.test(a) ? byCodePoint(a, b) <= 0 : a <= b;
}
const HIGH = /[\uD800-\uFFFF]/;

/**
 * Reads a manifest, which is untrusted text: throws `manifest.invalid` for anything but the exact shape with safe,
 * unique paths of which none is both a file and a folder.
 */
export function parseManifest(bytes: Uint8Array, algorithm: HashAlgorithm): readonly TreeEntry[] {
  if (bytes.length > MAX_MANIFEST_BYTES) throw invalid(`it is larger than ${MAX_MANIFEST_BYTES} bytes`);
  const entries = readManifest(bytes, algorithm);
  if (!entries) throw invalid(whyUnreadable(bytes, algorithm));
  const paths: string[] = [];
  for (const { relpath } of entries) {
    const fault = PLAIN.test(relpath) ? undefined : keptPathFault(relpath);
    if (fault !== undefined) throw invalid(`the path "${relpath}" ${fault}`);
    paths.push(relpath);
  }
  const fault = pathSetFault(paths);
  if (fault !== undefined) throw invalid(fault);
  if (!isSorted(entries)) throw invalid(BAD_LAYOUT);
  return entries;
}

/** Paths with nothing in them that could be wrong: no part begins with a dot, no drive letter. */
const PLAIN = /^[\w -](?!:)[\w .,:+=@~-]*(?:\/[\w -][\w .,:+=@~-]*)*$/;

function invalid(why: string): PipelineError {
  return new PipelineError('manifest.invalid', `a directory manifest is refused: ${why}`, {
    hint: 'the object was not written by lockstep or dvc; remove it from the cache or remote and push it again',
  });
}
