import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { isSystemError } from '../base/error.ts';
import type { Clock } from './clock.ts';
import { flush } from './flush.ts';

/**
 * So much may wait for its names, and so long; more is flushed at once, while further files are written. That makes each new
 * file wait for the disk: many small ones are flushed together, large ones while the next are read and hashed.
 */
const BATCH_FILES = 20_000;
const BATCH_BYTES = 128 * 1024 * 1024;
const BATCH_MS = 30_000;
/** While one batch is flushed so many may come together for the next; whoever brings more waits. */
const MOST_BATCHES = 4;
/** So many names are given in one go: the threads that write wait for this one to give them more. */
const NAMES_IN_A_ROW = 64;

/** A temp file and the name that it is to have; absolute paths on one file system. */
export interface Unnamed {
  readonly temp: string;
  readonly target: string;
  readonly size: number;
}

/** Gives temp files their names, many at a time: bytes are on the disk before a name appears. */
export interface Naming<T extends Unnamed> {
  /** Takes files over; resolves at once while little is waiting. */
  add(some: readonly T[]): Promise<void>;
  /** Resolves when every file that was added has its name, and bytes and names are on the disk. */
  flush(): Promise<void>;
  /** Removes what has no name. */
  close(): Promise<void>;
}

export interface NamingOptions<T extends Unnamed> {
  /** Above all targets, and there. Folders below it are made, and flushed with the names in them. */
  readonly root: string;
  readonly clock: Pick<Clock, 'now'>;
  /** Told of files that have their names now, which may not be on the disk yet. */
  readonly named?: (some: readonly T[]) => void;
}

/**
 * Throws system errors. After the first one nobody can say what the disk holds (a flush concerns what was written for later
 * batches too, and tells of lost bytes once), so every later call fails with the same error, and nothing gets a name any more.
 */
export function createNaming<T extends Unnamed>({ root, clock, named }: NamingOptions<T>): Naming<T> {
  const made = new Set([root]);
  let waiting: T[] = [];
  let waitingBytes = 0;
  /** When the first that is waiting came, epoch ms. */
  let sinceMs = 0;
  /** Folders with names that may not be on the disk yet. */
  let unflushed = new Set<string>();
  /** What is under way; the next batch waits for it, so that what was added first is there first. */
  let entering: Promise<void> = Promise.resolve();
  let isEntering = false;

  async function enter(batch: readonly T[]): Promise<void> {
    await flush(batch.map(({ temp }) => temp));
    for (const [index, { temp, target }] of batch.entries()) {
      if (index % NAMES_IN_A_ROW === 0) await new Promise((resolve) => setImmediate(resolve));
      // Not `dirname`, which looks at every character and knows drives.
      const folder = target.slice(0, target.lastIndexOf('/'));
      makeFolder(folder);
      renameSync(temp, target);
      noteNames(folder);
    }
    named?.(batch);
  }

  /** Never the root: where it is gone a share was unmounted, and what is made in its place lies on another disk. */
  function makeFolder(folder: string): void {
    if (made.has(folder)) return;
    makeFolder(dirname(folder));
    try {
      mkdirSync(folder);
    } catch (error) {
      if (!isSystemError(error, 'EEXIST')) throw error;
    }
    made.add(folder);
  }

  /** The folder and those above it, which may be new. */
  function noteNames(folder: string): void {
    for (let one = folder; !unflushed.has(one); one = dirname(one)) {
      unflushed.add(one);
      if (one === root) return;
    }
  }

  async function flushNames(): Promise<void> {
    const folders = [...unflushed];
    unflushed = new Set();
    await flush(folders);
  }

  function begin(): Promise<void> {
    const batch = waiting;
    waiting = [];
    waitingBytes = 0;
    isEntering = true;
    const done = entering.then(() => enter(batch));
    entering = done;
    // Whoever flushes or adds next is told; until then nobody listens.
    done
      .catch(() => drop(batch))
      .finally(() => {
        if (entering === done) isEntering = false;
      });
    return done;
  }

  return {
    async add(some) {
      const nowMs = clock.now();
      if (waiting.length === 0) sinceMs = nowMs;
      for (const one of some) {
        waiting.push(one);
        waitingBytes += one.size;
      }
      const batches = Math.max(waiting.length / BATCH_FILES, waitingBytes / BATCH_BYTES);
      const isYoung = nowMs - sinceMs < BATCH_MS;
      const isDue = isEntering ? batches >= MOST_BATCHES : batches >= 1 || !isYoung;
      if (!isDue) return;
      const before = entering;
      void begin();
      // One batch may be flushed while the next is written, not two.
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

/** What cannot be removed stays for a later sweep, as after a crash: a disk that fails has been told of already. */
function drop(batch: readonly Unnamed[]): void {
  for (const { temp } of batch) {
    try {
      rmSync(temp, { force: true });
    } catch (error) {
      if (!isSystemError(error)) throw error;
    }
  }
}
