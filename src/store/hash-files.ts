import { createHash, hash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { ContentHash, HashAlgorithm } from '../base/types.ts';

const CHUNK = 1024 * 1024;
/** Starting workers costs about 60 ms: worth it above this much work. */
const WORKER_BYTES = 128 * 1024 * 1024;
const WORKER_FILES = 8192;

export interface FileToHash {
  readonly path: string;
  /** Bytes, for deciding how to share the work. */
  readonly size: number;
}

/**
 * Hashes many files; the result has their order, with the system error where one could not be read. Small sets are
 * hashed in place, large ones by workers that read the files themselves.
 */
export async function hashFiles(
  files: readonly FileToHash[],
  algorithm: HashAlgorithm,
): Promise<readonly (ContentHash | Error)[]> {
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  const threads = Math.min(availableParallelism(), files.length);
  if (threads > 1 && (bytes > WORKER_BYTES || files.length > WORKER_FILES)) {
    const { hashWithWorkers } = await import('./hash-workers.ts');
    return hashWithWorkers(
      files.map((file) => file.path),
      algorithm,
      threads,
    );
  }
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK, Math.max(4096, ...sizes(files))));
  return files.map((file) => hashFile(file.path, algorithm, buffer));
}

function* sizes(files: readonly FileToHash[]): Generator<number> {
  let max = 0;
  for (const file of files) max = Math.max(max, file.size + 1);
  yield max;
}

/** The hash of one file's bytes, read through the given buffer; a system error is returned, not thrown. */
export function hashFile(path: string, algorithm: HashAlgorithm, buffer: Buffer): ContentHash | Error {
  try {
    const fd = openSync(path, 'r');
    try {
      if (!fstatSync(fd).isFile())
        return Object.assign(new Error(`"${path}" is not a file`), { code: 'EISDIR' });
      let read = readSync(fd, buffer, 0, buffer.length, null);
      if (read < buffer.length) {
        // A short read is the end only when another one returns nothing.
        const more = readSync(fd, buffer, read, buffer.length - read, null);
        if (more === 0) return `${algorithm}:${hash(algorithm, buffer.subarray(0, read))}`;
        read += more;
      }
      const running = createHash(algorithm);
      while (read > 0) {
        running.update(buffer.subarray(0, read));
        read = readSync(fd, buffer, 0, buffer.length, null);
      }
      return `${algorithm}:${running.digest('hex')}`;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return error as Error;
  }
}
