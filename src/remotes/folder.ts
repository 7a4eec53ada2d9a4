import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import type { Dirent } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { folderByFolder } from '../base/batches.ts';
import { isSystemError } from '../base/error.ts';
import type {
  Body,
  SizedObject,
  OpenRemote,
  PutObjectsOptions,
  Remote,
  RemoteConfig,
  RemoteEntry,
} from '../base/remote.ts';
import { objectPath } from '../base/hash.ts';
import type { ContentHash } from '../base/types.ts';
import { copyFiles } from '../io/copy-files.ts';
import { createClock } from '../io/clock.ts';
import { statIfExists } from '../io/files.ts';
import { INCOMING, makeTempFolder, newTempIn } from '../io/incoming.ts';
import { createNaming } from '../io/naming.ts';
import { objectMissing, withFaults } from './faults.ts';
import { copyTo } from './folder-copy.ts';
import { finalFault, folderFault, noFolder } from './folder-fault.ts';
import { sweepIncoming } from './folder-incoming.ts';
import { readOptions } from './options.ts';

const CONCURRENCY = 4;
/**
 * A remote that is a folder of this machine or of a mounted share. What is put waits in a temp file, read-only and of
 * its own inode, until `flush` has made a batch of them durable and given them their names. The folder itself is made
 * by the first put when only its last part is missing; a missing parent is `remote.unreachable`, since it most often
 * is a share that is not mounted. Further errors: `remote.denied`, `remote.full`.
 */
const openFolder: OpenRemote = async (config) =>
  createFolder(config, readOptions(config, {}).jobs ?? CONCURRENCY);
export default openFolder;

function createFolder(config: RemoteConfig, concurrency: number): Remote {
  const root = resolve(config.url);
  let isReady = false;
  /** What was there and is not any more was unmounted; it is not new. */
  let wasThere = false;

  const faultOf = (error: unknown): unknown => folderFault(config, error);
  const naming = createNaming({
    root,
    clock: createClock(),
    newFolder: () => guard(() => makeTempFolder(root)),
  });
  /** What could not be flushed or named is not tried again. */
  const guardFinal = async (call: Promise<void>): Promise<void> => {
    try {
      await call;
    } catch (error) {
      throw finalFault(faultOf(error));
    }
  };
  const guard = <T>(call: () => T): T => {
    try {
      return call();
    } catch (error) {
      throw faultOf(error);
    }
  };

  /** For files on their way in. */
  function prepare(): void {
    if (isReady) return;
    guard(() => {
      const incoming = join(root, INCOMING);
      // Never with its parents: they would hide that the share is not mounted.
      if (!statIfExists(root) && statIfExists(dirname(root))?.isDirectory()) mkdirSync(root);
      if (!statIfExists(incoming)) mkdirSync(incoming);
      sweepIncoming(incoming);
    });
    isReady = true;
  }

  /** A folder that the first push will make holds nothing yet; a missing parent is a share that is not mounted. */
  function requireRoot(): void {
    const isThere = guard(() => statIfExists(root)?.isDirectory() === true);
    wasThere ||= isThere;
    if (isThere) return;
    if (!wasThere && !statIfExists(root) && statIfExists(dirname(root))?.isDirectory()) return;
    throw noFolder(config);
  }

  async function put(key: string, body: Body, signal: AbortSignal): Promise<void> {
    prepare();
    const temp = newTempIn(root);
    await withFaults(signal, faultOf, () => copyTo(temp, { body, signal }));
    await guardFinal(naming.add([{ temp, target: join(root, key), size: body.size }]));
  }

  /** Nothing is told of what prevents it: each object is then put by itself, which finds the same and says so. */
  async function putObjects(
    objects: readonly SizedObject[],
    { signal, fileOf, stored }: PutObjectsOptions,
  ): Promise<void> {
    try {
      prepare();
    } catch {
      return;
    }
    await copyFiles(folderByFolder(objects), {
      threads: concurrency,
      signal,
      rights: 'public',
      fileOf: ({ hash }) => fileOf(hash),
      targetOf: ({ hash }) => naming.placeOf(`${root}/${objectPath(hash)}`),
      async copied(some) {
        const unnamed = some.map(({ of: { hash, size }, copy }) => ({
          temp: copy,
          target: `${root}/${objectPath(hash)}`,
          size,
        }));
        await guardFinal(naming.add(unnamed));
        stored(some.map(({ of }) => of));
      },
    });
  }

  return {
    limits: { concurrency },
    putObjects,
    fileOf: (key) => `${root}/${key}`,
    sizesOf: (hashes) => {
      requireRoot();
      return guard(() => sizesBelow(root, hashes));
    },
    async head(key) {
      const stat = guard(() => statIfExists(join(root, key)));
      if (!stat) requireRoot();
      return stat?.isFile() ? { size: stat.size } : undefined;
    },
    async get(key) {
      const file = join(root, key);
      if (guard(() => statIfExists(file))?.isFile())
        return {
          file,
          faultOf: (error) =>
            isSystemError(error, 'ENOENT') ? objectMissing(config, key) : folderFault(config, error, file),
        };
      requireRoot();
      throw objectMissing(config, key);
    },
    put,
    async remove(key) {
      guard(() => rmSync(join(root, key), { force: true }));
    },
    async *list(prefix, signal): AsyncGenerator<RemoteEntry, void, undefined> {
      requireRoot();
      const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
      const keys = keysBelow(root, folder, prefix);
      // Each step of the walk reads a folder, perhaps.
      for (let next = guard(() => keys.next()); !next.done; next = guard(() => keys.next())) {
        signal.throwIfAborted();
        const key = next.value;
        const stat = guard(() => statIfExists(join(root, key)));
        if (stat?.isFile()) yield { key, size: stat.size };
      }
    },
    flush: () => guardFinal(naming.flush()),
    close: () => naming.close(),
  };
}

/** One stat per object, and one per folder of them that is not there: a first push finds nothing. */
function sizesBelow(root: string, hashes: Iterable<ContentHash>): ReadonlyMap<ContentHash, number> {
  const sizes = new Map<ContentHash, number>();
  const folders = new Map<string, boolean>();
  for (const hash of hashes) {
    const path = `${root}/${objectPath(hash)}`;
    const folder = path.slice(0, path.lastIndexOf('/'));
    let isThere = folders.get(folder);
    if (isThere === undefined) folders.set(folder, (isThere = statIfExists(folder) !== undefined));
    const stat = isThere ? statIfExists(path) : undefined;
    if (stat?.isFile()) sizes.set(hash, stat.size);
  }
  return sizes;
}

/** Keys of the files below a folder (empty, or ending in `/`) that begin with the prefix; a lazy walk. */
function* keysBelow(root: string, folder: string, prefix: string): Generator<string, void, undefined> {
  let entries: Dirent[];
  try {
    entries = readdirSync(join(root, folder), { withFileTypes: true });
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return;
    throw error;
  }
  for (const entry of entries) {
    const key = folder + entry.name;
    if (key === INCOMING) continue;
    if (entry.isFile()) {
      if (key.startsWith(prefix)) yield key;
    } else if (isFolder(root, key, entry) && (key.startsWith(prefix) || prefix.startsWith(`${key}/`))) {
      yield* keysBelow(root, `${key}/`, prefix);
    } else if (entry.isSymbolicLink() && key.startsWith(prefix)) yield key;
  }
}

function isFolder(root: string, key: string, entry: Dirent): boolean {
  if (entry.isDirectory()) return true;
  return (
    entry.isSymbolicLink() && statSync(join(root, key), { throwIfNoEntry: false })?.isDirectory() === true
  );
}
