import { chmodSync, lstatSync, rmSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { EXIT, PipelineError, isSystemError } from '../base/error.ts';
import { ALGORITHMS, algorithmOf, hashBytes, objectPath, withoutDir } from '../base/hash.ts';
import type { ContentHash } from '../base/types.ts';
import type { Clock } from '../io/clock.ts';
import { createTemps, readIfExists } from '../io/files.ts';
import { OBJECT_MODE, isUnwritten, lookOf } from '../io/hash-file.ts';
import type { FileLook } from '../io/hash-file.ts';
import { createLinker } from '../io/links.ts';
import type { Linker } from '../io/links.ts';
import { hashFiles } from './hash-files.ts';
import { findLacking } from './lacking.ts';
import type { Memo } from './memo.ts';
import { parseManifest } from './tree.ts';
import type { TreeEntry } from './tree.ts';

/** What a check of objects found; every bad object has been taken out of the cache. */
export interface Checked {
  readonly missing: readonly ContentHash[];
  readonly corrupt: readonly ContentHash[];
  /** Bytes of each of the others. */
  readonly sizes: ReadonlyMap<ContentHash, number>;
}

/** The content-addressed bytes of this machine, below `.lockstep/` in the layout that a remote has too. */
export interface Cache {
  readonly dir: string;
  readonly memo: Memo;
  readonly clock: Clock;
  /** Links between cache and workspace; probed when first asked for. */
  linker(): Linker;
  pathOf(hash: ContentHash): string;
  /** A name for a file on its way in, in a folder that exists. */
  newTemp(): string;
  /** True when an object of that name is there; says nothing about its bytes. */
  has(hash: ContentHash): boolean;
  /** Those of many names for which there is no object; where many are asked for, folders are listed instead of files asked for. */
  lacking(hashes: Iterable<ContentHash>): ReadonlySet<ContentHash>;
  /** The entries of a directory; throws `object.missing`, `object.corrupt` or `manifest.invalid`. */
  readTree(hash: ContentHash): readonly TreeEntry[];
  /** A small file object's bytes, hashed while read; throws like `readTree`. */
  readObject(hash: ContentHash): Buffer;
  /**
   * Makes sure that objects hold what their names say and are nobody's to write or execute; those known to be untouched
   * cost one stat. Throws the system's error for one that is there and cannot be read.
   */
  check(hashes: Iterable<ContentHash>): Promise<Checked>;
  /** Takes an object that is not what its name says out of the cache. */
  discard(hash: ContentHash): void;
}

export interface CacheOptions {
  readonly dir: string;
  readonly workspace: string;
  readonly memo: Memo;
  readonly clock: Clock;
  /** Told of each object found corrupt. */
  readonly onCorrupt: (hash: ContentHash) => void;
}

/** An object that the memo does not vouch for. */
interface Unknown {
  readonly hash: ContentHash;
  readonly path: string;
  readonly size: number;
  /** As it was before it was read. */
  readonly look: FileLook;
}

export function createCache({ dir, workspace, memo, clock, onCorrupt }: CacheOptions): Cache {
  let linker: Linker | undefined;
  // Not joined: that would be half the work of asking for an object.
  const pathOf = (hash: ContentHash): string => `${dir}/${objectPath(hash)}`;
  const statOf = (hash: ContentHash): Stats | undefined => lstatSync(pathOf(hash), { throwIfNoEntry: false });

  function discard(hash: ContentHash): void {
    rmSync(pathOf(hash), { force: true });
    onCorrupt(hash);
  }

  function readObject(hash: ContentHash): Buffer {
    const bytes = readIfExists(pathOf(hash));
    if (bytes === undefined) throw objectMissing(hash);
    const real = hashBytes(algorithmOf(hash), bytes);
    if (real === withoutDir(hash)) return bytes;
    discard(hash);
    throw objectCorrupt(hash);
  }

  const has = (hash: ContentHash): boolean => statOf(hash)?.isFile() === true;

  async function check(hashes: Iterable<ContentHash>): Promise<Checked> {
    const missing: ContentHash[] = [];
    const corrupt: ContentHash[] = [];
    const sizes = new Map<ContentHash, number>();
    const unknown: Unknown[] = [];
    const accept = (hash: ContentHash, { size, mode }: Pick<Stats, 'size' | 'mode'>): void => {
      sizes.set(hash, size);
      sealAgain(pathOf(hash), mode);
    };
    for (const hash of new Set(hashes)) {
      const stat = statOf(hash);
      if (!stat?.isFile()) missing.push(hash);
      else if (memo.isVerifiedObject(stat, hash)) accept(hash, stat);
      else unknown.push({ hash, path: pathOf(hash), size: stat.size, look: lookOf(stat) });
    }
    for (const algorithm of ALGORITHMS) {
      const mine = unknown.filter(({ hash }) => algorithmOf(hash) === algorithm);
      const seenAt = clock.now();
      const found = await hashFiles(mine, algorithm);
      for (const [index, { hash, look }] of mine.entries()) {
        const real = found[index];
        // What cannot be read now may be good all the same.
        if (real instanceof Error && !isSystemError(real, 'ENOENT')) throw real;
        if (real === withoutDir(hash)) {
          memo.remember(look, hash, { seenAt, object: true });
          accept(hash, look);
        } else if (takeOut(hash, look)) corrupt.push(hash);
        else missing.push(hash);
      }
    }
    return { missing, corrupt, sizes };
  }

  /** False for one that is gone, or that someone else has replaced since it was looked at: by a good one, perhaps. */
  function takeOut(hash: ContentHash, look: FileLook): boolean {
    const now = statOf(hash);
    if (!now || !isUnwritten(now, look)) return false;
    discard(hash);
    return true;
  }

  const trees = new Map<ContentHash, readonly TreeEntry[]>();
  let temps: (() => string) | undefined;

  return {
    dir,
    memo,
    clock,
    pathOf,
    newTemp: () => (temps ??= createTemps(join(dir, 'files')))(),
    readObject,
    discard,
    linker: () => (linker ??= createLinker(join(dir, 'files'), join(workspace, '.lockstep', 'staging'))),
    has,
    lacking: (hashes) => findLacking(dir, hashes, has),
    readTree(hash) {
      let entries = trees.get(hash);
      if (!entries) trees.set(hash, (entries = parseManifest(readObject(hash), algorithmOf(hash))));
      return entries;
    },
    check,
  };
}

/** Who changes the mode of an out that is one inode with its object changes it for all that link to the object. */
function sealAgain(path: string, mode: number): void {
  if ((mode & 0o777 & ~OBJECT_MODE) === 0) return;
  try {
    chmodSync(path, mode & OBJECT_MODE);
  } catch (error) {
    // Another user's object: its mode is theirs to change.
    if (!isSystemError(error, 'EPERM', 'EROFS')) throw error;
  }
}

/** What helps where the cache lacks bytes. */
export const HAVE_AGAIN = 'run "lockstep pull", or "lockstep repro" to make it again';

function objectMissing(hash: ContentHash): PipelineError {
  return new PipelineError('object.missing', `the cache has no object ${hash}`, {
    exit: EXIT.failed,
    hint: HAVE_AGAIN,
  });
}

export function objectCorrupt(hash: ContentHash): PipelineError {
  return new PipelineError(
    'object.corrupt',
    `the cache object ${hash} had other bytes than its name says and was taken out`,
    {
      exit: EXIT.failed,
      hint: HAVE_AGAIN,
    },
  );
}
