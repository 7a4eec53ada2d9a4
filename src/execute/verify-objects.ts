import { lstatSync } from 'node:fs';
import { ALGORITHMS, algorithmOf, withoutDir } from '../base/hash.ts';
import type { ContentHash } from '../base/types.ts';
import { isUnwritten, lookOf } from '../io/hash-file.ts';
import type { FileLook } from '../io/hash-file.ts';
import type { Cache } from '../store/cache.ts';
import { removeGarbage } from '../store/gc.ts';
import { hashFiles } from '../store/hash-files.ts';

/** What a check of objects found; none of the bad ones is in the cache any more. */
export interface ObjectsChecked {
  /** Bytes of each object that is there and good. */
  readonly good: ReadonlyMap<ContentHash, number>;
  readonly missing: ReadonlySet<ContentHash>;
  /** Objects whose bytes are not what the name says; they have been taken out. */
  readonly wrong: ReadonlySet<ContentHash>;
  /** Objects that are there and cannot be read, and why; they stay, for the fault may be the disk's or the rights'. */
  readonly unreadable: ReadonlyMap<ContentHash, Error>;
}

export interface CheckObjectsOptions {
  readonly cache: Cache;
  readonly hashes: Iterable<ContentHash>;
  /** Every byte is read; otherwise only those of objects that look touched since they were last hashed. */
  readonly readData: boolean;
  readonly signal: AbortSignal;
}

interface Suspect {
  readonly hash: ContentHash;
  readonly path: string;
  readonly size: number;
  /** As it was before it was read. */
  readonly look: FileLook;
}

/** Between two of these an interrupt is heard. */
const BATCH_BYTES = 1024 * 1024 * 1024;
const BATCH_FILES = 20_000;

/** Makes sure that the cache has objects and that they hold what their names say. */
export async function checkObjects(options: CheckObjectsOptions): Promise<ObjectsChecked> {
  const { cache, hashes, readData, signal } = options;
  const good = new Map<ContentHash, number>();
  const missing = new Set<ContentHash>();
  const wrong = new Set<ContentHash>();
  const unreadable = new Map<ContentHash, Error>();
  const suspects: Suspect[] = [];
  for (const hash of new Set(hashes)) {
    const path = cache.pathOf(hash);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat?.isFile()) missing.add(hash);
    else if (!readData && cache.memo.isVerifiedObject(stat, hash)) good.set(hash, stat.size);
    else suspects.push({ hash, path, size: stat.size, look: lookOf(stat) });
  }
  for (const batch of batches(suspects)) {
    signal.throwIfAborted();
    const seenAt = cache.clock.now();
    const algorithm = algorithmOf(batch[0].hash);
    const found = await hashFiles(batch, algorithm);
    for (const [index, suspect] of batch.entries()) {
      const { hash, path, size, look } = suspect;
      const real = found[index];
      const stat = lstatSync(path, { throwIfNoEntry: false });
      if (!stat?.isFile()) missing.add(hash);
      else if (typeof real !== 'string') unreadable.set(hash, real ?? new Error('not hashed'));
      else if (real === withoutDir(hash)) {
        cache.memo.remember(look, hash, { seenAt, object: true });
        good.set(hash, size);
      } else {
        // Someone else may have put a good one in its place meanwhile.
        if (isUnwritten(stat, look)) {
          // A workspace file may be the same inode: from now on it is known by what it holds.
          cache.memo.remember(stat, real, { seenAt, object: false });
          removeGarbage(cache, [{ hash, size }]);
        }
        wrong.add(hash);
      }
    }
  }
  return { good, missing, wrong, unreadable };
}

/** Pieces of one algorithm each that are small enough to be interrupted between. */
function* batches(suspects: readonly Suspect[]): Generator<readonly [Suspect, ...Suspect[]]> {
  for (const algorithm of ALGORITHMS) {
    const mine = suspects.filter(({ hash }) => algorithmOf(hash) === algorithm);
    for (let from = 0; from < mine.length;) {
      let end = from;
      let bytes = 0;
      while (end < mine.length && end - from < BATCH_FILES && (end === from || bytes < BATCH_BYTES))
        bytes += mine[end++]?.size ?? 0;
      const [first, ...rest] = mine.slice(from, end);
      if (first) yield [first, ...rest];
      from = end;
    }
  }
}
