import { renameSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from './clock.ts';
import { makeOneFolder } from './files.ts';
import { flush, flushEach } from './flush.ts';
import { nameTogether, placeIn, removeTemp, removeTempFolder } from './incoming.ts';
import type { Unnamed } from './incoming.ts';

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

/** Waits for its name. */
export interface Waiting extends Unnamed {
  readonly size: number;
}

/** Gives temp files their names, many at a time: bytes are on the disk before a name appears. */
export interface Naming<T extends Waiting> {
  /**
   * Where one of many files may wait that come folder by folder, so that a new folder of them gets its name at once. Throws
   * system errors.
   */
  placeOf(target: string): string;
  /** Takes files over; resolves at once while little is waiting. */
  add(some: readonly T[]): Promise<void>;
  /** Resolves when every file that was added has its name, and bytes and names are on the disk. */
  flush(): Promise<void>;
  /** Removes what has no name. */
  close(): Promise<void>;
}

export interface NamingOptions<T extends Waiting> {
  /** Above all targets, and there. Folders below it are made, and flushed with the names in them. */
  readonly root: string;
  readonly clock: Pick<Clock, 'now'>;
  /** A new temp folder below the root, in which files wait. */
  readonly newFolder: () => string;
  /** Told of files that have their names now, which may not be on the disk yet. */
  readonly named?: (some: readonly T[]) => void;
}

/**
 * Throws system errors. After the first one nobody can say what the disk holds (a flush concerns what was written for later
 * batches too, and tells of lost bytes once), so every later call fails with the same error, and nothing gets a name any more.
 */
export function createNaming<T extends Waiting>({
  root,
  clock,
  newFolder,
  named,
}: NamingOptions<T>): Naming<T> {
  const made = new Set([root]);
  /** Of the batch that comes together now, where its files wait. */
  let folder: string | undefined;
  const folders: string[] = [];
  /** How many files may come to wait in each folder below these. */
  const expected = new Map<string, number>();
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
    await flushEach(batch, ({ temp }) => temp);
    let count = 0;
    for (const [target, files] of Map.groupBy(batch, (file) => folderOf(file.target))) {
      const isNew = makeFolder(target);
      noteNames(target);
      if (isNew && isComplete(files) && nameTogether(files)) continue;
      for (const file of files) {
        if (count++ % NAMES_IN_A_ROW === 0) await new Promise((resolve) => setImmediate(resolve));
        renameSync(file.temp, file.target);
      }
    }
    named?.(batch);
  }

  /** True when nobody is writing to where these wait: they are all that was to come. */
  function isComplete(files: readonly T[]): boolean {
    return expected.get(folderOf(files[0]?.temp ?? '')) === files.length;
  }

  /** True when it was not there. Never the root: where it is gone a share was unmounted, and what is made in its place lies on another disk. */
  function makeFolder(path: string): boolean {
    if (made.has(path)) return false;
    makeFolder(dirname(path));
    const isNew = makeOneFolder(path);
    made.add(path);
    return isNew;
  }

  /** The folder and those above it, which may be new. */
  function noteNames(path: string): void {
    for (let one = path; !unflushed.has(one); one = dirname(one)) {
      unflushed.add(one);
      if (one === root) return;
    }
  }

  async function flushNames(): Promise<void> {
    const named = [...unflushed];
    unflushed = new Set();
    await flush(named);
  }

  function begin(): Promise<void> {
    const batch = waiting;
    waiting = [];
    waitingBytes = 0;
    folder = undefined;
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
    placeOf(target) {
      if (folder === undefined) folders.push((folder = newFolder()));
      const place = placeIn(folder, target);
      const above = folderOf(place);
      expected.set(above, (expected.get(above) ?? 0) + 1);
      return place;
    },
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
      for (const one of folders) removeTempFolder(one);
    },
  };
}

function drop(batch: readonly Unnamed[]): void {
  for (const { temp } of batch) removeTemp(temp);
}

/** Not `dirname`, which looks at every character and knows drives. */
function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}
