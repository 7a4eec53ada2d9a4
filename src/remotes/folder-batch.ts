import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { PipelineError } from '../base/error.ts';
import { createClock } from '../io/clock.ts';
import type { Clock } from '../io/clock.ts';
import { flush } from '../io/flush.ts';

/**
 * So much may wait for its names, and so long; more is flushed at once, while further files are copied. That makes each new
 * file wait for the disk: many small ones are flushed together, large ones while the next are read and hashed.
 */
const BATCH_FILES = 20_000;
const BATCH_BYTES = 128 * 1024 * 1024;
const BATCH_MS = 30_000;

/** A temp file and the name it is to have. */
export interface Entering {
  readonly temp: string;
  readonly target: string;
  readonly size: number;
}

/** Gives temp files their names, many at a time. */
export interface FolderBatch {
  /** Takes files over; resolves at once while little is waiting. */
  add(some: readonly Entering[]): Promise<void>;
  /** Resolves when every file that was added has its name, and bytes and names are on the disk. */
  flush(): Promise<void>;
  /** Removes what was not flushed. */
  close(): Promise<void>;
}

/**
 * The bytes of a batch are on the disk before any of it gets its name; the names are put there by `flush`. After a
 * failed flush nobody can say what the disk holds, so every later call fails with the same error.
 */
export function createFolderBatch(
  root: string,
  faultOf: (error: unknown) => unknown,
  clock: Pick<Clock, 'now'> = createClock(),
): FolderBatch {
  const made = new Set<string>();
  let waiting: Entering[] = [];
  let waitingBytes = 0;
  /** When the first that is waiting came, epoch ms. */
  let sinceMs = 0;
  /** Folders with names that may not be on the disk yet. */
  let unflushed = new Set<string>();
  /** What is under way; the next batch waits for it, so that what was put first is there first. */
  let entering: Promise<void> = Promise.resolve();

  function drop(batch: readonly Entering[]): void {
    for (const { temp } of batch) rmSync(temp, { force: true });
  }

  async function enter(batch: readonly Entering[]): Promise<void> {
    try {
      await flush(batch.map(({ temp }) => temp));
      for (const { temp, target } of batch) {
        const folder = dirname(target);
        if (!made.has(folder)) mkdirSync(folder, { recursive: true });
        made.add(folder);
        renameSync(temp, target);
        for (const above of foldersUpTo(root, folder)) {
          // Those above came with it.
          if (unflushed.has(above)) break;
          unflushed.add(above);
        }
      }
    } catch (error) {
      throw finalFault(faultOf(error));
    }
  }

  function begin(): Promise<void> {
    const batch = waiting;
    waiting = [];
    waitingBytes = 0;
    const done = entering.then(() => enter(batch));
    // Whoever flushes or adds next is told; until then nobody listens.
    done.catch(() => drop(batch));
    return (entering = done);
  }

  async function flushNames(): Promise<void> {
    const folders = [...unflushed];
    unflushed = new Set();
    try {
      await flush(folders);
    } catch (error) {
      throw finalFault(faultOf(error));
    }
  }

  return {
    async add(some) {
      const nowMs = clock.now();
      if (waiting.length === 0) sinceMs = nowMs;
      for (const one of some) {
        waiting.push(one);
        waitingBytes += one.size;
      }
      const isYoung = nowMs - sinceMs < BATCH_MS;
      if (isYoung && waiting.length < BATCH_FILES && waitingBytes < BATCH_BYTES) return;
      const before = entering;
      void begin();
      // One batch may be flushed while the next is copied, not two.
      await before;
    },
    async flush() {
      await begin();
      entering = flushNames();
      await entering;
    },
    async close() {
      await entering.catch(() => undefined);
      drop(waiting);
      waiting = [];
    },
  };
}

/** A folder and those above it, up to the root. */
function* foldersUpTo(root: string, folder: string): Generator<string> {
  for (let one = folder; one.length >= root.length; one = dirname(one)) {
    yield one;
    if (one === root) return;
  }
}

/** A flush that failed must not be tried again: the system may have dropped the bytes and then calls them flushed. */
function finalFault(error: unknown): unknown {
  if (!(error instanceof PipelineError) || !error.retryable) return error;
  const { code, message, exit, problems } = error;
  return new PipelineError(code, message, { exit, hint: problems[0].hint, cause: error });
}
