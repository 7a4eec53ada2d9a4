import { closeSync, fsync, openSync } from 'node:fs';
import { isSystemError } from '../base/error.ts';

/** Above this many files one flush of the whole file system is cheaper than one flush per file. */
const SINGLE_FLUSHES = 16;

/**
 * Puts the named files' bytes (or folders' names) on the disk. Many at once are flushed together by `sync -f` of
 * their file system where it exists; otherwise each by its own fsync, many in flight.
 */
export async function flush(paths: readonly string[]): Promise<void> {
  const [first] = paths;
  if (first === undefined) return;
  if (paths.length > SINGLE_FLUSHES && process.platform === 'linux' && (await syncFileSystem(first))) return;
  await Promise.all(paths.map(flushOne));
}

function syncFileSystem(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const { execFile } = process.getBuiltinModule('node:child_process');
    execFile('sync', ['-f', path], (error) => resolve(error === null));
  });
}

/** Only what waits for the disk goes through Node's threads: each turn there costs more than opening a file. */
async function flushOne(path: string): Promise<void> {
  const fd = openSync(path, 'r');
  try {
    await new Promise<void>((resolve, reject) => {
      fsync(fd, (error) => {
        // Some network file systems refuse to flush folders; their own protocol orders names.
        if (error && !isSystemError(error, 'EINVAL', 'ENOTSUP')) reject(error);
        else resolve();
      });
    });
  } finally {
    closeSync(fd);
  }
}
