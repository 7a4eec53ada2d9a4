import { availableParallelism } from 'node:os';
import type { ContentHash, HashAlgorithm } from '../base/types.ts';
import type { Crew, Job } from '../io/crew.ts';
import { OPEN, READY, packFiles } from '../io/file-block.ts';
import type { FileBlock } from '../io/file-block.ts';
import { hashSeen, unseen } from '../io/hash-file.ts';
import type { FileLook, FileToHash, HashOptions, HashedFile } from '../io/hash-file.ts';

const CHUNK = 1024 * 1024;
/** Starting threads costs about 60 ms: worth it above this much work. More bytes also hold up a Ctrl-C, with one core, too. */
const MANY_BYTES = 128 * 1024 * 1024;
const MANY_FILES = 8192;
/** What threads are given at once; a larger file is given by itself. */
const PART_FILES = 1024;
const PART_BYTES = 64 * 1024 * 1024;

/** Files on their way through a hash. */
export interface Hashing {
  /** One that is to be sealed is made read-only before it is hashed, so that it can become an object. */
  add(path: string, look: FileLook, seal: boolean): void;
  /** What came of each file, in the order in which they were added; the system error of one that could not be read. */
  end(): AsyncIterable<HashedFile | Error>;
}

/** The cache for which threads copy what it lacks, while they have it, of files that are not sealed. */
export interface Keeper {
  readonly dir: string;
  /** Where copies wait, see `placeIn`; made when it is first asked for. */
  tempFolder(): string;
}

export interface HashingOptions {
  readonly algorithm: HashAlgorithm;
  readonly crew?: Crew | undefined;
  readonly keeper?: Keeper | undefined;
  /** Ends what threads hash; given to those as well that are given. */
  readonly signal?: AbortSignal | undefined;
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
export function createHashing({ algorithm, crew, keeper, signal }: HashingOptions): Hashing {
  const parts: Part[] = [];
  /** Of the next part. */
  let pending: FileToHash[] = [];
  let pendingBytes = 0;
  let pendingSeal = false;
  let files = 0;
  let bytes = 0;
  let largest = 0;

  const isMuch = (): boolean => bytes > MANY_BYTES || (files > MANY_FILES && availableParallelism() > 1);

  function close(): void {
    if (pending.length === 0) return;
    parts.push({ seal: pendingSeal, block: packFiles(pending) });
    pending = [];
    pendingBytes = 0;
    if (crew && isMuch()) share(crew);
  }

  function jobOf({ seal }: Part): Job {
    if (keeper && !seal)
      return { kind: 'keep', algorithm, cache: keeper.dir, tempFolder: keeper.tempFolder() };
    return { kind: 'hash', algorithm, seal };
  }

  function share(threads: Crew): void {
    for (const part of parts) part.worked ??= threads.work(jobOf(part), part.block);
  }

  return {
    add(path, look, seal) {
      if (seal !== pendingSeal) close();
      pendingSeal = seal;
      pending.push({ path, look });
      pendingBytes += look.size;
      files++;
      bytes += look.size;
      largest = Math.max(largest, look.size);
      if (pending.length >= PART_FILES || pendingBytes >= PART_BYTES) close();
    },
    async *end() {
      if (isMuch()) close();
      using own = !crew && isMuch() ? (await import('../io/crew.ts')).createCrew({ signal }) : undefined;
      if (own) share(own);
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK, Math.max(4096, largest + 1)));
      for (const { seal, block, worked } of parts) {
        await worked;
        if (worked) signal?.throwIfAborted();
        yield* resultsOf(block, { algorithm, seal, buffer }, keeper);
      }
      for (const file of pending) yield hashSeen(file, { algorithm, seal: pendingSeal, buffer });
    },
  };
}

function* resultsOf(
  block: FileBlock,
  options: HashOptions,
  keeper: Keeper | undefined,
): Generator<HashedFile | Error> {
  for (let index = 0; index < block.count; index++) {
    const look = block.lookOf(index);
    const state = block.stateOf(index);
    if (state === OPEN) {
      yield hashSeen({ path: block.pathOf(index), look }, options);
      continue;
    }
    const hash = block.hashOf(index, options.algorithm);
    if (state !== READY) yield { hash, look };
    else {
      const made = block.madeOf(index);
      yield keeper && !options.seal
        ? { hash, look, ready: { copiedTo: keeper.tempFolder(), look: made } }
        : { hash, look: made, ready: { look: made, at: { block, index } } };
    }
  }
}

/** Hashes many files; the result has their order, with the system error where one could not be read. */
export async function hashFiles(
  files: readonly { readonly path: string; readonly size: number }[],
  algorithm: HashAlgorithm,
  signal?: AbortSignal,
): Promise<readonly (ContentHash | Error)[]> {
  const hashing = createHashing({ algorithm, signal });
  for (const { path, size } of files) hashing.add(path, unseen(size), false);
  return Array.fromAsync(hashing.end(), (file) => (file instanceof Error ? file : file.hash));
}
