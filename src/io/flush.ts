import { closeSync, fsync, openSync, statSync } from 'node:fs';
import { isFlushRefused } from './files.ts';

/** Above this many files one flush of the whole file system is cheaper than one flush per file. */
const SINGLE_FLUSHES = 16;

/** More would be open files only. */
const IN_FLIGHT = 64;

/** As `flushEach`. */
export function flush(paths: readonly string[]): Promise<void> {
  return flushEach(paths, (path) => path);
}

/**
 * Puts the bytes of files (or the names of folders) of one file system on the disk. Many at once are flushed together by
 * `sync -f` where it exists; otherwise each by its own fsync, many in flight.
 */
export async function flushEach<T>(all: readonly T[], pathOf: (one: T) => string): Promise<void> {
  const [first] = all;
  if (first === undefined) return;
  if (all.length > SINGLE_FLUSHES && canSync && (await syncFileSystem(pathOf(first)))) return;
  for (let from = 0; from < all.length; from += IN_FLIGHT)
    await Promise.all(all.slice(from, from + IN_FLIGHT).map((one) => flushOne(pathOf(one))));
}

/** The same for paths that may lie on several file systems. */
export async function flushAcross(paths: readonly string[]): Promise<void> {
  if (paths.length <= SINGLE_FLUSHES) return flush(paths);
  for (const some of Map.groupBy(paths, (path) => statSync(path).dev).values()) await flush(some);
}

/**
 * False after the first failure: it may have been about bytes of any file there, also one that is flushed later, and only the file's own
 * flush tells of them once more.
 */
let canSync = process.platform === 'linux';

function syncFileSystem(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const { execFile } = process.getBuiltinModule('node:child_process');
    execFile('sync', ['-f', path], (error) => {
      if (error) canSync = false;
      resolve(error === null);
    });
  });
}

/** Only what waits for the disk goes through Node's threads: each turn there costs more than opening a file. */
async function flushOne(path: string): Promise<void> {
  const fd = openSync(path, 'r');
  try {
    await new Promise<void>((resolve, reject) => {
      fsync(fd, (error) => {
        if (error && !isFlushRefused(error)) reject(error);
        else resolve();
      });
    });
  } finally {
    closeSync(fd);
  }
}
