import { availableParallelism } from 'node:os';
import type { ContentHash, HashAlgorithm } from '../base/types.ts';
import { hashFile } from './hash-file.ts';

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
  const threads = isMuch(files, bytes) ? Math.min(availableParallelism(), files.length) : 1;
  if (threads > 1) {
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

function isMuch(files: readonly FileToHash[], bytes: number): boolean {
  return bytes > WORKER_BYTES || files.length > WORKER_FILES;
}

function* sizes(files: readonly FileToHash[]): Generator<number> {
  let max = 0;
  for (const file of files) max = Math.max(max, file.size + 1);
  yield max;
}
