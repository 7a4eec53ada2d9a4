import { availableParallelism } from 'node:os';
import { inBatches } from '../base/batches.ts';
import type { SizedObject } from '../base/remote.ts';
import type { HashAlgorithm } from '../base/types.ts';
import { COPY_BYTES } from './copy-small.ts';
import { READY, packFiles } from './file-block.ts';
import { unseen } from './hash-file.ts';
import type { FileLook } from './hash-file.ts';
import type { CopyRights } from './modes.ts';

/** Starting threads costs about 60 ms: worth it from this much work on. */
const WORTH_FILES = 1000;
const WORTH_BYTES = 64 * 1024 * 1024;

/** What threads are asked for at once: enough to make messages cheap, little enough for a Ctrl-C. */
const ORDER = { objects: 128, bytes: 8 * 1024 * 1024 };

/** A copy of a file, and what it was made for. */
export interface Copied<T> {
  readonly of: T;
  /** Absolute path. */
  readonly copy: string;
  /** What the copy looks like. */
  readonly look: FileLook;
}

export interface CopyOptions<T> {
  /** At most as many as there are cores, which is what absent means. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly rights: CopyRights;
  /** Where an object's bytes are; like the next, asked shortly before it is copied: many names are much memory. */
  readonly fileOf: (one: T) => string;
  /** A new name for the copy, in a folder that is there. */
  readonly targetOf: (one: T) => string;
  /** Told of those that were copied, some at a time; it may hold up the others. */
  readonly copied: (some: readonly Copied<T>[]) => Promise<void> | void;
}

/**
 * Copies the files of objects, if there are enough of them for threads to be worth their start, hashed on the
 * way. What is larger than `COPY_BYTES`, cannot be read or written, or has other bytes, is left out without a word
 * and leaves nothing; whoever copies it by other means finds out why. Rejects when the signal is aborted or `copied`
 * rejects; then nothing is under way any more, and all that had been copied was told.
 */
export async function copyFiles<T extends SizedObject>(
  objects: readonly T[],
  options: CopyOptions<T>,
): Promise<void> {
  const small = objects.filter(({ size }) => size <= COPY_BYTES);
  const bytes = small.reduce((sum, { size }) => sum + size, 0);
  if ((small.length < WORTH_FILES && bytes < WORTH_BYTES) || availableParallelism() < 2) return;
  await copyByThreads(small, options);
}

/** `copyFiles` for objects that are small, however few they are. */
export async function copyByThreads<T extends SizedObject>(
  objects: readonly T[],
  { threads, signal, rights, fileOf, targetOf, copied }: CopyOptions<T>,
): Promise<void> {
  const { createCrew } = await import('./crew.ts');
  using crew = createCrew({ threads });
  const orders = inBatches(objects, ORDER);
  const failures: unknown[] = [];
  const copySome = async (algorithm: HashAlgorithm, some: readonly T[]): Promise<void> => {
    const targets = some.map(targetOf);
    const block = packFiles(
      some.map((one, index) => ({
        path: fileOf(one),
        look: unseen(one.size),
        hash: one.hash,
        to: targets[index] ?? '',
      })),
    );
    await crew.work({ kind: 'copy', algorithm, rights }, block);
    await copied(
      some.flatMap((of, index) =>
        block.stateOf(index) === READY ? [{ of, copy: targets[index] ?? '', look: block.madeOf(index) }] : [],
      ),
    );
  };
  const copyInTurn = async (): Promise<void> => {
    try {
      // Whoever leaves before the end leaves no further orders to the other one.
      for (const [algorithm, some] of orders) {
        if (signal?.aborted === true) return;
        await copySome(algorithm, some);
      }
    } catch (error) {
      failures.push(error);
    }
  };
  // While the results of one order are taken in, the threads work on the other.
  await Promise.all([copyInTurn(), copyInTurn()]);
  if (failures.length > 0) throw failures[0];
  signal?.throwIfAborted();
}
