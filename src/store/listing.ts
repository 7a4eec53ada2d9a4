import type { Stats } from 'node:fs';
import { DIGITS, digestOf } from '../base/hash.ts';
import type { ContentHash, HashAlgorithm } from '../base/types.ts';
import { keepYoungHeapSmall } from '../io/young-heap.ts';
import { createManifestWriter } from './manifest-writer.ts';
import type { HashedFile, ReadyBytes } from '../io/hash-file.ts';
import type { Memo } from './memo.ts';
import { hashManifest } from './tree.ts';
import type { TreeEntry } from './tree.ts';

/** How the hash of a file is known: `object` is the inode of a verified cache object, `hashed` was read just now. */
export type Known = 'object' | 'memo' | 'hashed';

/** A folder's files as they were seen, in the order of its manifest. */
export interface Listing {
  readonly hash: ContentHash;
  readonly manifest: Buffer;
  /** Bytes of all files. */
  readonly size: number;
  readonly count: number;
  readonly relpathOf: (index: number) => string;
  readonly hashOf: (index: number) => ContentHash;
  readonly sizeOf: (index: number) => number;
  readonly knownOf: (index: number) => Known;
  /** What of a file that was hashed just now can become its object; `undefined` when that still has to be made. */
  readonly readyOf: (index: number) => ReadyBytes | undefined;
}

/** A folder that is being looked at. */
export interface Lister {
  /** Takes the next file in, in the order of the paths; false for one that the memo does not know: it must be hashed. */
  add(prefix: string, name: string, stat: Stats): boolean;
  /** The path of one of those below the folder, in their order. */
  unknownPath(at: number): string;
  /** `hashed`: what came of those, in their order. */
  end(hashed: readonly HashedFile[]): Listing;
}

const KNOWN = ['hashed', 'memo', 'object'] as const satisfies readonly Known[];

/** Their paths and hashes alone would make the young heap grow. */
const MANY = 1000;

/** Writes the manifest while files are seen and keeps numbers only: whatever lives longer costs the garbage collector more than the look itself. */
export function createLister(folder: string, memo: Memo, algorithm: HashAlgorithm): Lister {
  const writer = createManifestWriter(algorithm);
  const sizes: number[] = [];
  /** Where each digest stands in the manifest. */
  const digests: number[] = [];
  /** Index into `KNOWN`. */
  const known: number[] = [];
  /** Those that the memo does not know. */
  const unknown: number[] = [];
  const relpathOf = (index: number): string => writer.pathAt(digests[index] ?? 0, digests[index + 1]);
  return {
    unknownPath: (at) => relpathOf(unknown[at] ?? 0),
    add(prefix, name, stat) {
      const digest = writer.add(prefix, name);
      const row = memo.find(() => `${folder}/${prefix}${name}`, stat, algorithm);
      if (row >= 0) memo.writeDigest(row, writer.bytes(), digest);
      else if (unknown.push(sizes.length) === MANY) keepYoungHeapSmall();
      sizes.push(stat.size);
      digests.push(digest);
      known.push(row < 0 ? 0 : memo.isObject(row) ? 2 : 1);
      return row >= 0;
    },
    end(hashed) {
      const manifest = writer.end();
      const ready = new Map<number, ReadyBytes>();
      for (const [at, index] of unknown.entries()) {
        const file = hashed[at];
        if (!file) continue;
        manifest.write(digestOf(file.hash), digests[index] ?? 0, 'latin1');
        sizes[index] = file.look.size;
        if (file.ready) ready.set(index, file.ready);
      }
      return {
        hash: hashManifest(manifest, algorithm),
        manifest,
        size: sizes.reduce((sum, size) => sum + size, 0),
        count: sizes.length,
        relpathOf,
        hashOf(index) {
          const at = digests[index] ?? 0;
          return `${algorithm}:${manifest.toString('latin1', at, at + DIGITS[algorithm])}`;
        },
        sizeOf: (index) => sizes[index] ?? 0,
        knownOf: (index) => KNOWN[known[index] ?? 0] ?? 'hashed',
        readyOf: (index) => ready.get(index),
      };
    },
  };
}

/** The files of a listing as a manifest has them. */
export function entriesOf(listing: Listing): readonly TreeEntry[] {
  return Array.from({ length: listing.count }, (_, index) => ({
    relpath: listing.relpathOf(index),
    hash: listing.hashOf(index),
  }));
}
