import { availableParallelism } from 'node:os';
import type { SizedObject } from '../base/remote.ts';
import type { ContentHash } from '../base/types.ts';

/** Larger files are for others: a worker reads a file whole and stops between files only. */
export const COPY_BYTES: number = 4 * 1024 * 1024;
/** Starting workers costs about 60 ms: worth it from this much work on. */
const WORTH_FILES = 1000;
const WORTH_BYTES = 64 * 1024 * 1024;

/** An object and the copy of its file. */
export interface CopiedObject extends SizedObject {
  readonly temp: string;
}

export interface CopyOptions {
  /** At most as many as there are cores. */
  readonly threads: number;
  readonly signal: AbortSignal;
  /** Where an object's bytes are; like the next, asked shortly before it is copied: many names are much memory. */
  readonly fileOf: (hash: ContentHash) => string;
  /** A new name for the copy, in a folder that is there. */
  readonly tempFor: (hash: ContentHash) => string;
  /** Told of those that were copied, some at a time; it may hold up the others. */
  readonly copied: (some: readonly CopiedObject[]) => Promise<void>;
}

/**
 * Copies the files of objects, if there are enough of them for worker threads to be worth their start: read-only copies,
 * hashed on the way. What is larger than `COPY_BYTES`, cannot be read or written, or has other bytes, is left out without
 * a word and leaves nothing; whoever copies it by other means finds out why. Rejects when the signal is aborted or
 * `copied` rejects; then nothing is under way any more, and all that had been copied was told.
 */
export async function copyFiles(objects: readonly SizedObject[], options: CopyOptions): Promise<void> {
  const small = objects.filter(({ size }) => size <= COPY_BYTES);
  const bytes = small.reduce((sum, { size }) => sum + size, 0);
  if ((small.length < WORTH_FILES && bytes < WORTH_BYTES) || availableParallelism() < 2) return;
  const { copyWithWorkers } = await import('./copy-workers.ts');
  await copyWithWorkers(small, options);
}
