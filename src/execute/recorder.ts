import { join } from 'node:path';
import type { Artifact, Lock, StageLock } from '../base/types.ts';
import { elapsedMs } from '../io/clock.ts';
import { readIfExists, writeFileAtomic } from '../io/files.ts';
import { flushAcross } from '../io/flush.ts';
import { LOCKFILE, createLockFormatter } from '../record/lockfile.ts';

/** What goes with a result on its way to the disk. */
export interface Around {
  /** Files and folders that must be on the disk before the lock is. */
  readonly before?: readonly string[];
  /** Called once the lock is. */
  readonly after?: () => void;
}

/** The lockfile in memory and its one writer. */
export interface Recorder {
  lock(): Lock;
  lockOf(name: string): StageLock | undefined;
  /** What is recorded of a tracked input. */
  dataOf(path: string): Artifact | undefined;
  data(): readonly Artifact[];
  /** Takes a result in. */
  setStage(name: string, result: StageLock, around?: Around): void;
  setData(data: readonly Artifact[], around?: Around): void;
  /** Forgets entries of stages and data that the pipeline no longer has. */
  prune(stages: ReadonlySet<string>, data: ReadonlySet<string>): void;
  /** Takes over a lock that someone else has written meanwhile. */
  replace(lock: Lock): void;
  /** Writes what is not yet written. */
  flush(): Promise<void>;
  /** True until all that was taken in is on the disk. */
  isPending(): boolean;
  /** The lockfile's text when this recorder wrote it. */
  writtenText(): string | undefined;
}

const PAUSE_MS = 200;
/** A lock of tens of megabytes takes long to write: most of the time is for the run. */
const PAUSE_SHARE = 5;

export interface RecorderOptions {
  readonly root: string;
  readonly initial: Lock;
  /** Results are kept in memory only. */
  readonly readOnly: boolean;
  /** Told of each result that the lock is about to forget. */
  readonly onForget: (result: StageLock) => void;
}

/**
 * At most one write in flight and 200 ms between two, longer where a write takes long; `flush` before exit. Nothing is written
 * when nothing differs.
 */
export function createRecorder({ root, initial, readOnly, onForget }: RecorderOptions): Recorder {
  const path = join(root, LOCKFILE);
  const formatter = createLockFormatter();
  const stages = new Map(initial.stages);
  let data = byPath(initial.data);
  /** What is on the disk, as far as known. */
  let written: string | undefined;
  let saved: string | undefined;
  let dirty = false;
  let isWriting = false;
  let waiting: Around[] = [];
  let timer: NodeJS.Timeout | undefined;
  let lastWrite = Number.NEGATIVE_INFINITY;
  let pauseMs = PAUSE_MS;
  /** The write under way; the next one waits for it. */
  let writing: Promise<void> = Promise.resolve();

  const lock = (): Lock => ({ stages, data: [...data.values()] });

  async function write(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    if (!dirty) return;
    const beganAt = elapsedMs();
    const text = formatter.format(lock());
    const batch = waiting;
    waiting = [];
    dirty = false;
    isWriting = true;
    try {
      await flushAcross([...new Set(batch.flatMap(({ before = [] }) => before))]);
      written ??= readIfExists(path)?.toString('utf8') ?? '';
      if (text !== written && !readOnly) writeFileAtomic(path, text, { durable: true });
    } catch (error) {
      // Nothing is forgotten: the next write tries all of it again.
      waiting = [...batch, ...waiting];
      dirty = true;
      throw error;
    } finally {
      isWriting = false;
    }
    written = text;
    saved = text;
    lastWrite = elapsedMs();
    pauseMs = Math.max(PAUSE_MS, PAUSE_SHARE * (lastWrite - beganAt));
    for (const { after } of batch) after?.();
  }

  function writeNext(): Promise<void> {
    writing = writing.catch(() => undefined).then(write);
    return writing;
  }

  function schedule(): void {
    dirty = true;
    if (timer) return;
    const wait = Math.max(0, lastWrite + pauseMs - elapsedMs());
    // What cannot be written stays dirty; the flush at the end tries again and tells.
    timer = setTimeout(() => void writeNext().catch(() => undefined), wait);
  }

  return {
    lockOf: (name) => stages.get(name),
    dataOf: (path) => data.get(path),
    data: () => [...data.values()],
    lock,
    setStage(name, result, around) {
      const before = stages.get(name);
      if (before && !readOnly) onForget(before);
      stages.set(name, result);
      if (around) waiting.push(around);
      schedule();
    },
    setData(inputs, around) {
      data = byPath(inputs);
      if (around) waiting.push(around);
      schedule();
    },
    replace(other) {
      stages.clear();
      for (const [name, entry] of other.stages) stages.set(name, entry);
      data = byPath(other.data);
      written = undefined;
    },
    writtenText: () => (readOnly ? undefined : saved),
    prune(names, paths) {
      const before = stages.size + data.size;
      for (const [name, result] of stages) {
        if (names.has(name)) continue;
        if (!readOnly) onForget(result);
        stages.delete(name);
      }
      data = byPath([...data.values()].filter((input) => paths.has(input.path)));
      if (stages.size + data.size !== before) schedule();
    },
    flush: writeNext,
    isPending: () => dirty || isWriting,
  };
}

function byPath(artifacts: readonly Artifact[]): ReadonlyMap<string, Artifact> {
  return new Map(artifacts.map((artifact) => [artifact.path, artifact]));
}
