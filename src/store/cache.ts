import { lstatSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, PipelineError } from '../base/error.ts';
import type { Problem } from '../base/error.ts';
import { algorithmOf, hashBytes, objectPath, withoutDir } from '../base/hash.ts';
import type { ContentHash } from '../base/types.ts';
import type { Clock } from '../io/clock.ts';
import { makeFolder, readIfExists } from '../io/files.ts';
import { INCOMING, makeTempFolder, newTempIn } from '../io/incoming.ts';
import { createLinker } from '../io/links.ts';
import type { Linker } from '../io/links.ts';
import { createExecuteBit } from '../io/modes.ts';
import type { ExecuteBit } from '../io/modes.ts';
import { pathOfMutex } from '../io/mutex-mark.ts';
import { checkObjects } from './check-objects.ts';
import type { Checked } from './check-objects.ts';
import { findLacking } from './lacking.ts';
import type { Memo } from './memo.ts';
import { parseManifest } from './tree.ts';
import type { TreeEntry } from './tree.ts';

/** The content-addressed bytes of this machine, below `.lockstep/` in the layout that a remote has too. */
export interface Cache {
  readonly dir: string;
  readonly memo: Memo;
  readonly clock: Clock;
  readonly isExecutable: ExecuteBit;
  /** Links between cache and workspace; probed when first asked for. */
  linker(): Linker;
  pathOf(hash: ContentHash): string;
  /** A name for a file on its way in, in a folder that exists. */
  newTemp(): string;
  /** A new folder for many of them, see `placeIn`. */
  newTempFolder(): string;
  /** True when an object of that name is there; says nothing about its bytes. */
  has(hash: ContentHash): boolean;
  /** Those of many names for which there is no object; where many are asked for, folders are listed instead of files asked for. */
  lacking(hashes: Iterable<ContentHash>): ReadonlySet<ContentHash>;
  /** The entries of a directory; throws `object.missing`, `object.corrupt` or `manifest.invalid`. */
  readTree(hash: ContentHash): readonly TreeEntry[];
  /** A small file object's bytes, hashed while read; throws like `readTree`. */
  readObject(hash: ContentHash): Buffer;
  /** As `checkObjects`, where those known to be untouched cost one stat. Throws the system's error for one that cannot be read. */
  check(hashes: Iterable<ContentHash>): Promise<Checked>;
  /** Takes an object that is not what its name says out of the cache; returns the error for who needs it. */
  discard(hash: ContentHash): PipelineError;
}

export interface CacheOptions {
  readonly dir: string;
  readonly workspace: string;
  readonly memo: Memo;
  readonly clock: Clock;
  /** Told of each object found corrupt. */
  readonly onCorrupt: (hash: ContentHash) => void;
}

export function createCache({ dir, workspace, memo, clock, onCorrupt }: CacheOptions): Cache {
  let linker: Linker | undefined;
  // Not joined: that would be half the work of asking for an object.
  const pathOf = (hash: ContentHash): string => `${dir}/${objectPath(hash)}`;

  function discard(hash: ContentHash): PipelineError {
    rmSync(pathOf(hash), { force: true });
    onCorrupt(hash);
    return PipelineError.of([{ ...corruptFound(hash), hint: HAVE_AGAIN }], EXIT.failed);
  }

  function readObject(hash: ContentHash): Buffer {
    const bytes = readIfExists(pathOf(hash));
    if (bytes === undefined) throw objectMissing(hash);
    const real = hashBytes(algorithmOf(hash), bytes);
    if (real === withoutDir(hash)) return bytes;
    throw discard(hash);
  }

  const has = (hash: ContentHash): boolean =>
    lstatSync(pathOf(hash), { throwIfNoEntry: false })?.isFile() === true;

  async function check(hashes: Iterable<ContentHash>): Promise<Checked> {
    const checked = await checkObjects({ cache, hashes, takeOut: discard });
    const [unreadable] = checked.unreadable.values();
    if (unreadable) throw unreadable;
    return checked;
  }

  const trees = new Map<ContentHash, readonly TreeEntry[]>();
  const objects = join(dir, 'files');
  let hasIncoming = false;
  const makeIncoming = (): void => {
    if (!hasIncoming) makeFolder(join(objects, INCOMING));
    hasIncoming = true;
  };

  const cache: Cache = {
    dir,
    memo,
    clock,
    isExecutable: createExecuteBit(pathOfMutex(join(workspace, '.lockstep'), 'workspace')),
    pathOf,
    newTemp() {
      makeIncoming();
      return newTempIn(objects);
    },
    newTempFolder() {
      makeIncoming();
      return makeTempFolder(objects);
    },
    readObject,
    discard,
    linker: () => (linker ??= createLinker(objects, join(workspace, '.lockstep', 'staging'))),
    has,
    lacking: (hashes) => findLacking(dir, hashes, has),
    readTree(hash) {
      let entries = trees.get(hash);
      if (!entries) trees.set(hash, (entries = parseManifest(readObject(hash), algorithmOf(hash))));
      return entries;
    },
    check,
  };
  return cache;
}

/** What helps where the cache lacks bytes. */
export const HAVE_AGAIN = 'run "lockstep pull", or "lockstep repro" to make it again';

function objectMissing(hash: ContentHash): PipelineError {
  return new PipelineError('object.missing', `the cache has no object ${hash}`, {
    exit: EXIT.failed,
    hint: HAVE_AGAIN,
  });
}

/** What is told of an object when it is found, whoever asked for it. */
export function corruptFound(hash: ContentHash): Problem {
  return {
    code: 'object.corrupt',
    message: `the cache object ${hash} had other bytes than its name says and was taken out`,
    hint: 'the stage that made it runs again, or "lockstep pull" brings it back',
  };
}
