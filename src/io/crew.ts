import { linkSync, lstatSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { isSystemError } from '../base/error.ts';
import { objectPath } from '../base/hash.ts';
import type { HashAlgorithm } from '../base/types.ts';
import { COPY_BYTES, copySmall, keepSmall } from './copy-small.ts';
import type { SmallCopy } from './copy-small.ts';
import { DONE, READY, WANTED, openBlock } from './file-block.ts';
import type { FileBlock, PlaceInBlock } from './file-block.ts';
import { hashSeen, isUnwritten } from './hash-file.ts';
import type { FileLook } from './hash-file.ts';
import type { CopyRights } from './modes.ts';

/**
 * What is done to each file. `hash`: its bytes are hashed, where `seal` says so once it is read-only. `keep`: it is hashed,
 * and if it is small and `cache` has no such object, copied to its place in a temp folder there, as an object. `link`: if it is
 * wanted it becomes the object of its hash in `cache`, unless it has been written to since it was made ready. `copy`: it is
 * copied to its target, with these rights, if it has the size and the hash that are given.
 */
export type Job =
  | { readonly kind: 'hash'; readonly algorithm: HashAlgorithm; readonly seal: boolean }
  | { readonly kind: 'copy'; readonly algorithm: HashAlgorithm; readonly rights: CopyRights }
  | {
      readonly kind: 'keep';
      readonly algorithm: HashAlgorithm;
      readonly cache: string;
      readonly tempFolder: string;
    }
  | { readonly kind: 'link'; readonly algorithm: HashAlgorithm; readonly cache: string };

/** Threads that work on files; they start with the first work. */
export interface Crew extends Disposable {
  /**
   * Has all threads take files until none is left. Resolves when none of them works on these any more. A file that they
   * could not do, or that a dying thread had taken, is still open then: whoever tries it himself finds out why.
   */
  work(job: Job, block: FileBlock): Promise<void>;
}

/** What a thread is sent; it answers each with an empty message. */
interface Order {
  readonly job: Job;
  readonly memory: SharedArrayBuffer;
  readonly count: number;
}

/** V8 lets a young generation grow to three times this; a thread here has nothing to keep. */
const YOUNG_MIB = 4;
const HASH_BYTES = 1024 * 1024;

export interface CrewOptions {
  /** At most as many as there are cores, which is what absent means. */
  readonly threads?: number | undefined;
  /** Ends the threads where they are, as if they had died. */
  readonly signal?: AbortSignal | undefined;
}

export function createCrew({ threads = Number.POSITIVE_INFINITY, signal }: CrewOptions = {}): Crew {
  let hands: readonly Hand[] | undefined;
  const end = (): void => {
    for (const hand of hands ?? []) hand.end();
  };
  signal?.addEventListener('abort', end);
  return {
    async work(job, { memory, count }) {
      if (signal?.aborted === true) return;
      hands ??= startHands(Math.min(threads, availableParallelism()));
      await Promise.all(hands.map((hand) => hand.order({ job, memory, count })));
    },
    [Symbol.dispose]() {
      signal?.removeEventListener('abort', end);
      end();
    },
  };
}

/** One thread. */
interface Hand {
  /** Resolves when it is through with an order, or has died. */
  order(order: Order): Promise<void>;
  end(): void;
}

/** As many as the system gives: fewer do as well, and what none does stays open. */
function startHands(count: number): readonly Hand[] {
  const hands: Hand[] = [];
  try {
    while (hands.length < count) hands.push(startHand());
  } catch (error) {
    if (!isSystemError(error, 'ERR_WORKER_INIT_FAILED')) throw error;
  }
  return hands;
}

function startHand(): Hand {
  const worker = new Worker(new URL(import.meta.url), {
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
  });
  /** Who waits, in the order in which it answers. */
  let waiting: (() => void)[] = [];
  let isDead = false;
  const die = (): void => {
    isDead = true;
    for (const resolve of waiting) resolve();
    waiting = [];
  };
  worker.on('message', () => waiting.shift()?.());
  worker.on('error', die);
  worker.on('exit', die);
  return {
    order: (order) =>
      new Promise((resolve) => {
        if (isDead) return resolve();
        waiting.push(resolve);
        worker.postMessage(order);
      }),
    end: () => void worker.terminate(),
  };
}

function serve(port: NonNullable<typeof parentPort>): void {
  const buffer = Buffer.allocUnsafeSlow(COPY_BYTES + 1);
  port.on('message', ({ job, memory, count }: Order) => {
    const block = openBlock(memory, count);
    for (let index = block.take(); index >= 0; index = block.take()) {
      try {
        doJob(job, block, { index, buffer });
      } catch {
        // It stays open.
      }
    }
    port.postMessage(undefined);
  });
}

interface At {
  readonly index: number;
  readonly buffer: Buffer;
}

function doJob(job: Job, block: FileBlock, at: At): void {
  const { index, buffer } = at;
  const { kind, algorithm } = job;
  switch (kind) {
    case 'link':
      return link(job.cache, algorithm, { block, index });
    case 'copy': {
      const hash = block.hashOf(index, algorithm);
      const to = block.targetOf(index);
      const copy = copySmall({ ...smallOf(block, index), hash, to, rights: job.rights }, buffer);
      return copy && tellMade(block, index, copy);
    }
    case 'keep': {
      const small = smallOf(block, index);
      if (small.size > COPY_BYTES) return doJob({ kind: 'hash', algorithm, seal: false }, block, at);
      const kept = keepSmall({ ...small, algorithm, cache: job.cache, tempFolder: job.tempFolder }, buffer);
      if (!kept) return;
      block.setHash(index, kept.hash);
      return kept.copy ? tellMade(block, index, kept.copy) : block.setState(index, DONE);
    }
    case 'hash': {
      const file = { path: block.pathOf(index), look: block.lookOf(index) };
      const chunk = buffer.subarray(0, HASH_BYTES);
      const hashed = hashSeen(file, { algorithm, seal: job.seal, buffer: chunk });
      // There is no room to tell another size.
      if (hashed instanceof Error || hashed.look.size !== file.look.size) return;
      block.setHash(index, hashed.hash);
      return hashed.ready ? tellMade(block, index, hashed.ready.look) : block.setState(index, DONE);
    }
    default:
      return kind satisfies never;
  }
}

function smallOf(block: FileBlock, index: number): Pick<SmallCopy, 'path' | 'size'> {
  return { path: block.pathOf(index), size: block.lookOf(index).size };
}

function link(cache: string, algorithm: HashAlgorithm, { block, index }: PlaceInBlock): void {
  if (block.stateOf(index) !== WANTED) return;
  const path = block.pathOf(index);
  if (!isUnwritten(lstatSync(path), block.madeOf(index))) return;
  linkSync(path, `${cache}/${objectPath(block.hashOf(index, algorithm))}`);
  block.setState(index, DONE);
}

function tellMade(block: FileBlock, index: number, look: FileLook): void {
  block.setMade(index, look);
  block.setState(index, READY);
}

if (!isMainThread && parentPort) serve(parentPort);
