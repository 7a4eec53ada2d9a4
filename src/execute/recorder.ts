import { join } from 'node:path';
import { sha256Hex } from '../base/hash.ts';
import type { Artifact, Lock, StageLock } from '../base/types.ts';
import { elapsedMs } from '../io/clock.ts';
import { readIfExists, writeFileAtomic } from '../io/files.ts';
import { flushAcross } from '../io/flush.ts';
import { EMPTY_LOCK, LOCKFILE, createLockFormatter, parseLock } from '../record/lockfile.ts';
import type { OpenProject } from './open-project.ts';

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
  /** Takes over a lock that someone else has written meanwhile, and keeps what was taken in since; false when nobody has. */
  catchUp(): Promise<boolean>;
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

export interface RecorderOptions extends Pick<OpenProject, 'root' | 'folder'> {
  readonly initial: Lock;
  /** SHA-256 of the text that this was read from; `null` when there was no lock. */
  readonly initialHash: string | null;
  /** Results are kept in memory only. */
  readonly readOnly: boolean;
  /** Told of each result that the lock is about to forget. */
  readonly onForget: (result: StageLock) => void;
  /** Throws where somebody else may be writing, too. */
  readonly requireWorkspace: () => void;
}

/**
 * At most one write in flight and 200 ms between two, longer where a write takes long; `flush` before exit. Nothing is written
 * when nothing differs. The lock is git's to move, also while a run goes on: what it says by then of other stages and data stands.
 */
export function createRecorder(options: RecorderOptions): Recorder {
  const { root, initial, readOnly, onForget } = options;
  const path = join(root, LOCKFILE);
  const formatter = createLockFormatter();
  const stages = new Map(initial.stages);
  let data = byPath(initial.data);
  /** What was taken in. */
  const newStages = new Map<string, StageLock>();
  const newData = new Map<string, Artifact>();
  /** What is on the disk, as far as known; `undefined` as long as that is the initial one. */
  let written: string | undefined;
  let hasMovedMeanwhile = false;
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

  function put(name: string, result: StageLock): void {
    const before = stages.get(name);
    if (before && !readOnly) onForget(before);
    stages.set(name, result);
  }

  async function catchUp(): Promise<boolean> {
    const bytes = readIfExists(path);
    const here = bytes?.toString('utf8') ?? '';
    const hasMoved = written === undefined ? hashOf(bytes) !== options.initialHash : here !== written;
    // One that cannot be read is not known after that either: it must not be overwritten.
    const theirs = hasMoved && bytes ? await parseLock(here, options.folder) : EMPTY_LOCK;
    written = here;
    if (!hasMoved) return false;
    stages.clear();
    for (const [name, entry] of theirs.stages) stages.set(name, entry);
    for (const [name, entry] of newStages) put(name, entry);
    data = byPath([...theirs.data, ...newData.values()]);
    return true;
  }

  async function write(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    if (!dirty) return;
    const beganAt = elapsedMs();
    let text = formatter.format(lock());
    const batch = waiting;
    waiting = [];
    dirty = false;
    isWriting = true;
    try {
      await flushAcross([...new Set(batch.flatMap(({ before = [] }) => before))]);
      // Not before that: the disk may be waited for long, and git move the lock meanwhile.
      if (!readOnly && (await catchUp())) {
        hasMovedMeanwhile = true;
        text = formatter.format(lock());
      }
      if (text !== written && !readOnly) {
        options.requireWorkspace();
        writeFileAtomic(path, text, { durable: true });
      }
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
      put(name, result);
      newStages.set(name, result);
      if (around) waiting.push(around);
      schedule();
    },
    setData(inputs, around) {
      for (const one of inputs) if (data.get(one.path) !== one) newData.set(one.path, one);
      data = byPath(inputs);
      if (around) waiting.push(around);
      schedule();
    },
    catchUp,
    writtenText: () => (readOnly ? undefined : saved),
    prune(names, paths) {
      // Who wrote another lock during the run may have another pipeline, too: the next run says what that no longer has.
      if (hasMovedMeanwhile) return;
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

function hashOf(bytes: Buffer | undefined): string | null {
  return bytes ? sha256Hex(bytes) : null;
}

function byPath(artifacts: readonly Artifact[]): ReadonlyMap<string, Artifact> {
  return new Map(artifacts.map((artifact) => [artifact.path, artifact]));
}
