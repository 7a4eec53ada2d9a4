import { linkSync, lstatSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { objectPath } from '../base/hash.ts';
import type { HashAlgorithm } from '../base/types.ts';
import { DONE, SEALED, openBlock, packFiles } from './file-block.ts';
import type { BlockFile, FileBlock } from './file-block.ts';
import { hashSeen, isUnwritten } from './hash-file.ts';

/**
 * What is done to each file. `hash`: its bytes are hashed. `seal`: before that it is made read-only. `link`: the name that
 * its hash has below `dir` becomes its second one, unless it has been written to since it was seen.
 */
export type Job =
  | { readonly kind: 'hash' | 'seal'; readonly algorithm: HashAlgorithm }
  | { readonly kind: 'link'; readonly algorithm: HashAlgorithm; readonly dir: string };

/** Threads that work on files, as many as there are cores; they start with the first work. */
export interface Crew extends Disposable {
  /**
   * Has all threads take files until none is left. Resolves when none of them works on these any more. A file that they
   * could not do, or that a dying thread had taken, is still open then: whoever tries it himself finds out why.
   */
  work(job: Job, files: readonly BlockFile[]): Promise<FileBlock>;
}

/** What a thread is sent; it answers each with an empty message. */
interface Order {
  readonly job: Job;
  readonly memory: SharedArrayBuffer;
  readonly count: number;
}

/** V8 lets a young generation grow to three times this; a thread here has nothing to keep. */
const YOUNG_MIB = 4;
const BUFFER_BYTES = 1024 * 1024;

export function createCrew(): Crew {
  let hands: readonly Hand[] = [];
  return {
    async work(job, files) {
      const block = packFiles(files);
      const { memory, count } = block;
      if (hands.length === 0) hands = Array.from({ length: availableParallelism() }, startHand);
      await Promise.all(hands.map((hand) => hand.order({ job, memory, count })));
      return block;
    },
    [Symbol.dispose]() {
      for (const hand of hands) hand.end();
    },
  };
}

/** One thread. */
interface Hand {
  /** Resolves when it is through with an order, or has died. */
  order(order: Order): Promise<void>;
  end(): void;
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
  const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  port.on('message', ({ job, memory, count }: Order) => {
    const block = openBlock(memory, count);
    for (let index = block.take(); index >= 0; index = block.take()) doJob(job, block, { index, buffer });
    port.postMessage(undefined);
  });
}

function doJob(job: Job, block: FileBlock, { index, buffer }: { index: number; buffer: Buffer }): void {
  const { algorithm } = job;
  const path = block.pathOf(index);
  const look = block.lookOf(index);
  if (job.kind === 'link') {
    try {
      if (!isUnwritten(lstatSync(path), look)) return;
      linkSync(path, `${job.dir}/${objectPath(block.hashOf(index, algorithm))}`);
      block.setState(index, DONE);
    } catch {
      // It stays open.
    }
    return;
  }
  const hashed = hashSeen({ path, look }, { algorithm, seal: job.kind === 'seal', buffer });
  if (hashed instanceof Error) return;
  block.setHash(index, hashed.hash);
  if (hashed.sealed) block.setLook(index, hashed.look);
  block.setState(index, hashed.sealed ? SEALED : DONE);
}

if (!isMainThread && parentPort) serve(parentPort);
