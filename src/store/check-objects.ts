import { lstatSync } from 'node:fs';
import { inBatches } from '../base/batches.ts';
import { withoutDir } from '../base/hash.ts';
import type { SizedObject } from '../base/remote.ts';
import type { ContentHash } from '../base/types.ts';
import { isUnwritten, lookOf } from '../io/hash-file.ts';
import { OBJECT_MODE, setMode } from '../io/modes.ts';
import type { FileLook } from '../io/hash-file.ts';
import type { Cache } from './cache.ts';
import { hashFiles } from './hash-files.ts';

/** What a check of objects found. */
export interface Checked {
  /** Bytes of each object that is there and good. */
  readonly sizes: ReadonlyMap<ContentHash, number>;
  readonly missing: ReadonlySet<ContentHash>;
  /** Objects whose bytes are not what the name says; they have been taken out. */
  readonly corrupt: ReadonlySet<ContentHash>;
  /** Objects that are there and cannot be read, and why; they stay, for the fault may be the disk's or the rights'. */
  readonly unreadable: ReadonlyMap<ContentHash, Error>;
}

export interface CheckOptions {
  readonly cache: Pick<Cache, 'pathOf' | 'memo' | 'clock'>;
  readonly hashes: Iterable<ContentHash>;
  /** Every byte is read; otherwise only those of objects that look touched since they were last hashed. */
  readonly readData?: boolean;
  readonly signal?: AbortSignal;
  readonly takeOut: (hash: ContentHash) => void;
}

/** An object that the memo does not vouch for. */
interface Suspect extends SizedObject {
  readonly path: string;
  /** As it was before it was read. */
  readonly look: FileLook;
}

/** Between two of these an interrupt is heard. */
const BATCH = { objects: 20_000, bytes: 1024 * 1024 * 1024 };

/** Makes sure that objects are there, hold what their names say, and are nobody's to write or execute. */
export async function checkObjects(options: CheckOptions): Promise<Checked> {
  const { cache, hashes, readData = false, signal, takeOut } = options;
  const sizes = new Map<ContentHash, number>();
  const missing = new Set<ContentHash>();
  const corrupt = new Set<ContentHash>();
  const unreadable = new Map<ContentHash, Error>();
  const suspects: Suspect[] = [];
  const accept = (hash: ContentHash, path: string, { size, mode }: Pick<FileLook, 'size' | 'mode'>): void => {
    sizes.set(hash, size);
    sealAgain(path, mode);
  };
  for (const hash of new Set(hashes)) {
    const path = cache.pathOf(hash);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat?.isFile()) missing.add(hash);
    else if (!readData && cache.memo.isVerifiedObject(() => path, stat, hash)) accept(hash, path, stat);
    else suspects.push({ hash, path, size: stat.size, look: lookOf(stat) });
  }
  for (const [algorithm, batch] of inBatches(suspects, BATCH)) {
    signal?.throwIfAborted();
    const seenAt = cache.clock.now();
    const found = await hashFiles(batch, algorithm, signal);
    for (const [index, { hash, path, look }] of batch.entries()) {
      const real = found[index];
      const now = lstatSync(path, { throwIfNoEntry: false });
      if (!now?.isFile()) missing.add(hash);
      else if (typeof real !== 'string') unreadable.set(hash, real ?? new Error('not hashed'));
      else if (real === withoutDir(hash)) {
        cache.memo.remember(() => path, look, hash, { seenAt, object: true });
        accept(hash, path, look);
      } else {
        corrupt.add(hash);
        // Someone else may have put a good one in its place meanwhile.
        if (!isUnwritten(now, look)) continue;
        // A workspace file may be the same inode: from now on it is known by what it holds.
        cache.memo.remember(() => path, now, real, { seenAt, object: false });
        takeOut(hash);
      }
    }
  }
  return { sizes, missing, corrupt, unreadable };
}

/** Who changes the mode of an out that is one inode with its object changes it for all that link to the object. */
function sealAgain(path: string, mode: number): void {
  if ((mode & 0o777 & ~OBJECT_MODE) === 0) return;
  // Refused for another user's object: its mode is theirs to change.
  setMode(path, mode & OBJECT_MODE);
}
