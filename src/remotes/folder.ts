import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import type { Dirent } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { PipelineError, isSystemError } from '../base/error.ts';
import type { Body, OpenRemote, Remote, RemoteConfig, RemoteEntry } from '../base/remote.ts';
import { statIfExists } from '../io/files.ts';
import { flush } from '../io/flush.ts';
import { objectMissing, remoteFault } from './faults.ts';
import { copyInto } from './folder-copy.ts';
import { folderFault } from './folder-fault.ts';
import { INCOMING, sweepIncoming } from './folder-incoming.ts';
import { readOptions } from './options.ts';

const CONCURRENCY = 4;
/** So much may wait for its flush; more begins a flush by itself, which runs while further files are copied. */
const BATCH_FILES = 2000;
const BATCH_BYTES = 256 * 1024 * 1024;

interface Entering {
  readonly temp: string;
  readonly target: string;
}

/**
 * A remote that is a folder of this machine or of a mounted share. What is put waits in a temp file, read-only and of
 * its own inode, until `flush` has made a batch of them durable and given them their names. The folder itself is made
 * by the first put when only its last part is missing; a missing parent is `remote.unreachable`, since it most often
 * is a share that is not mounted. Further errors: `remote.denied`, `remote.full`.
 */
const openFolder: OpenRemote = (config) => {
  const { jobs } = readOptions(config, {});
  return Promise.resolve(createFolder(config, jobs ?? CONCURRENCY));
};
export default openFolder;

function createFolder(config: RemoteConfig, concurrency: number): Remote {
  const root = resolve(config.url);
  const incoming = join(root, INCOMING);
  const folders = new Set<string>();
  let waiting: Entering[] = [];
  let waitingBytes = 0;
  let isPrepared = false;
  /** The flush under way; the next one waits for it, so that what was put first is there first. */
  let flushing: Promise<void> = Promise.resolve();

  const faultOf = (error: unknown): unknown => folderFault(config, error);
  const guard = <T>(call: () => T): T => {
    try {
      return call();
    } catch (error) {
      throw faultOf(error);
    }
  };

  function prepare(): void {
    if (isPrepared) return;
    guard(() => {
      if (!statIfExists(root) && statIfExists(dirname(root))?.isDirectory()) mkdirSync(root);
      // Never with its parents: they would hide that the share is not mounted.
      if (!statIfExists(incoming)) mkdirSync(incoming);
      sweepIncoming(incoming);
    });
    isPrepared = true;
  }

  /** A folder that the first push will make holds nothing yet; a missing parent is a share that is not mounted. */
  function requireRoot(): void {
    if (guard(() => statIfExists(root))?.isDirectory()) return;
    if (!statIfExists(root) && statIfExists(dirname(root))?.isDirectory()) return;
    throw remoteFault(config, 'unreachable', {
      what: `there is no folder "${root}"`,
      hint: 'mount the share it belongs to, push to it once, or correct the url in remotes.yaml',
    });
  }

  function beginFlush(): Promise<void> {
    const batch = waiting;
    waiting = [];
    waitingBytes = 0;
    // After a failed flush nobody can say what is on the disk: every later one fails with the same error.
    const done = flushing.then(() => enter(batch));
    // Whoever flushes or puts next is told; until then nobody listens.
    done.catch(() => drop(batch));
    return (flushing = done);
  }

  function drop(batch: readonly Entering[]): void {
    for (const { temp } of batch) rmSync(temp, { force: true });
  }

  async function enter(batch: readonly Entering[]): Promise<void> {
    if (batch.length === 0) return;
    try {
      await flush(batch.map(({ temp }) => temp));
      for (const { temp, target } of batch) {
        const folder = dirname(target);
        if (!folders.has(folder)) mkdirSync(folder, { recursive: true });
        folders.add(folder);
        renameSync(temp, target);
      }
      await flush([...new Set(batch.flatMap(({ target }) => foldersUpTo(root, target)))]);
    } catch (error) {
      throw finalFault(faultOf(error));
    }
  }

  async function put(key: string, body: Body, signal: AbortSignal): Promise<void> {
    prepare();
    let temp: string;
    try {
      temp = await copyInto(incoming, { key, body, signal });
    } catch (error) {
      throw faultOf(error);
    }
    waiting.push({ temp, target: join(root, key) });
    waitingBytes += body.size;
    if (waiting.length >= BATCH_FILES || waitingBytes >= BATCH_BYTES) {
      const before = flushing;
      void beginFlush();
      // One batch may flush while the next is copied, not two.
      await before;
    }
  }

  return {
    limits: { concurrency },
    async head(key) {
      const stat = guard(() => statIfExists(join(root, key)));
      if (!stat) requireRoot();
      return stat?.isFile() ? { size: stat.size } : undefined;
    },
    async get(key) {
      const file = join(root, key);
      if (guard(() => statIfExists(file))?.isFile()) return { file };
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
      for (const key of guard(() => keysBelow(root, folder, prefix))) {
        signal.throwIfAborted();
        const stat = guard(() => statIfExists(join(root, key)));
        if (stat?.isFile()) yield { key, size: stat.size };
      }
    },
    flush: () => beginFlush(),
    async close() {
      await flushing.catch(() => undefined);
      drop(waiting);
      waiting = [];
    },
  };
}

/** A flush that failed must not be tried again: the system may have dropped the bytes and then calls them flushed. */
function finalFault(error: unknown): unknown {
  if (!(error instanceof PipelineError) || !error.retryable) return error;
  const { code, message, exit, problems } = error;
  return new PipelineError(code, message, { exit, hint: problems[0].hint, cause: error });
}

/** The folders whose names a new file may have changed: its own and those above it, the root included. */
function foldersUpTo(root: string, target: string): readonly string[] {
  const folders: string[] = [];
  for (let folder = dirname(target); folder.length >= root.length; folder = dirname(folder)) {
    folders.push(folder);
    if (folder === root) break;
  }
  return folders;
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
