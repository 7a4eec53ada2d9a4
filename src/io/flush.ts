import { close, fsync, open } from 'node:fs';
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

function flushOne(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    open(path, 'r', (openError, fd) => {
      if (openError) return reject(openError);
      fsync(fd, (error) => {
        close(fd, (closeError) => {
          // Some network file systems refuse to flush folders; their own protocol orders names.
          const failure = error && !isSystemError(error, 'EINVAL', 'ENOTSUP') ? error : closeError;
          if (failure) reject(failure);
          else resolve();
        });
      });
    });
  });
}
