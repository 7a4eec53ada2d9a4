import { availableParallelism } from 'node:os';
import type { ContentHash, HashAlgorithm } from '../base/types.ts';
import type { Crew } from '../io/crew.ts';
import { OPEN, SEALED, packFiles } from '../io/file-block.ts';
import type { FileBlock } from '../io/file-block.ts';
import { hashSeen, unseen } from '../io/hash-file.ts';
import type { FileLook, FileToHash, HashedFile } from '../io/hash-file.ts';

const CHUNK = 1024 * 1024;
/** Starting threads costs about 60 ms: worth it above this much work. */
const MANY_BYTES = 128 * 1024 * 1024;
const MANY_FILES = 8192;
/** What threads are given at once; a larger file is given by itself. */
const PART_FILES = 1024;
const PART_BYTES = 64 * 1024 * 1024;

/** Files on their way through a hash. */
export interface Hashing {
  /** `seal`: as in `HashOptions`. */
  add(path: string, look: FileLook, seal: boolean): void;
  /** What came of each file, in the order in which they were added; the system error of one that could not be read. */
  end(): AsyncIterable<HashedFile | Error>;
}

/** Files that are treated alike. */
interface Part {
  readonly seal: boolean;
  readonly block: FileBlock;
  /** Resolves when threads are through with it. */
  worked?: Promise<void>;
}

/**
 * Hashes files: a few in place, many by threads. Threads that are given begin as soon as there is enough for them, while
 * files are still being added.
 */
export function createHashing(algorithm: HashAlgorithm, crew?: Crew): Hashing {
  const parts: Part[] = [];
  /** Of the next part. */
  let pending: FileToHash[] = [];
  let pendingBytes = 0;
  let sealing = false;
  let files = 0;
  let bytes = 0;
  let largest = 0;

  const isMuch = (): boolean => (files > MANY_FILES || bytes > MANY_BYTES) && availableParallelism() > 1;

  function close(): void {
    if (pending.length === 0) return;
    parts.push({ seal: sealing, block: packFiles(pending) });
    pending = [];
    pendingBytes = 0;
    if (crew && isMuch()) share(crew);
  }

  function share(threads: Crew): void {
    for (const part of parts)
      part.worked ??= threads.work({ kind: part.seal ? 'seal' : 'hash', algorithm }, part.block);
  }

  return {
    add(path, look, seal) {
      if (seal !== sealing) close();
      sealing = seal;
      pending.push({ path, look });
      pendingBytes += look.size;
      files++;
      bytes += look.size;
      largest = Math.max(largest, look.size);
      if (pending.length >= PART_FILES || pendingBytes >= PART_BYTES) close();
    },
    async *end() {
      if (isMuch()) close();
      using own = !crew && isMuch() ? (await import('../io/crew.ts')).createCrew() : undefined;
      if (own) share(own);
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK, Math.max(4096, largest + 1)));
      for (const { seal, block, worked } of parts) {
        await worked;
        yield* resultsOf(block, { algorithm, seal, buffer });
      }
      for (const file of pending) yield hashSeen(file, { algorithm, seal: sealing, buffer });
    },
  };
}

function* resultsOf(
  block: FileBlock,
  options: Parameters<typeof hashSeen>[1],
): Generator<HashedFile | Error> {
  for (let index = 0; index < block.count; index++) {
    const look = block.lookOf(index);
    const state = block.stateOf(index);
    yield state === OPEN
      ? hashSeen({ path: block.pathOf(index), look }, options)
      : { hash: block.hashOf(index, options.algorithm), look, sealed: state === SEALED };
  }
}

/** Hashes many files; the result has their order, with the system error where one could not be read. */
export async function hashFiles(
  files: readonly { readonly path: string; readonly size: number }[],
  algorithm: HashAlgorithm,
): Promise<readonly (ContentHash | Error)[]> {
  const hashing = createHashing(algorithm);
  for (const { path, size } of files) hashing.add(path, unseen(size), false);
  return Array.fromAsync(hashing.end(), (file) => (file instanceof Error ? file : file.hash));
}
