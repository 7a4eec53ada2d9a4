import { closeSync, existsSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { StageLock } from '../base/types.ts';
import { makeFolder, readFolder, readIfExists, readNames, syncPath } from '../io/files.ts';
import { flush } from '../io/flush.ts';
import type { Leader } from '../io/process-group.ts';
import { isOwnerAlive, ownerMark } from '../io/process-id.ts';
import { formatStep, parseStep } from './journal-step.ts';
import type { StepPlace } from './journal-step.ts';
import type { Laid } from './staging.ts';

/**
 * What must be known to undo or finish an attempt whose runner died. `running`: the old outs belong back.
 * `committing`: every new byte is safe, the moves are to be finished and the result recorded.
 */
export interface AttemptRecord extends Laid {
  readonly stage: string;
  readonly phase: 'running' | 'committing';
  /** Leader of the stage's process group. */
  readonly process?: Leader;
  /** Only while committing. */
  readonly result?: StageLock;
}

/**
 * An attempt whose record is there but says nothing: its first line is damaged, or was cut off. What it had moved is
 * not known; its processes carry its name, which is the file's.
 */
export interface LostAttempt {
  readonly id: string;
  readonly phase: 'lost';
  /** When a later line is sound. */
  readonly process?: Leader;
  readonly result?: undefined;
}

export type Unfinished = AttemptRecord | LostAttempt;

export interface Journal {
  /** A name that tells the runner: `<pid>-<start>.<n>`; no other attempt has it while this one is under way. */
  newId(): string;
  /** Begins the record of an attempt at a stage; with `durable` it is on the disk when this returns. */
  begin(stage: string, laid: Laid, options: { durable: boolean }): void;
  /** Adds the leader of the process group. */
  started(id: string, leader: Leader): void;
  /** Adds the intent to move; with `durable` it is on the disk when this resolves. */
  intend(id: string, result: StageLock | undefined, options: { durable: boolean }): Promise<void>;
  /** Takes an intent back: nothing has moved, or all has moved back. */
  withdraw(id: string): void;
  /** Something of the attempt, which is not over yet, cannot be removed: no other one is given its name. */
  spoil(id: string): void;
  /** The attempt is over. */
  remove(id: string): void;
  /** Takes away what is kept for the next attempts. */
  close(): void;
  /** Takes away what dead runners kept so. */
  sweep(): void;
  /** Attempts whose runner is dead: for who holds nothing, and so may find others at work. */
  orphans(): readonly Unfinished[];
  /**
   * Attempts that nobody works on, for who holds the workspace, or the cache alone: all there are. The kernel gives the
   * locks of a dying runner away before the runner is gone.
   */
  unfinished(): readonly Unfinished[];
}

/**
 * The attempts of a project: `.lockstep/attempts/<id>.ndjson`, one line per step, each adding to what the lines before
 * it say. A line that a crash cut off, or that is damaged, counts as not written; a record without lines is of an attempt
 * that is over, or has not begun. Its file and name serve the next one: ext4 makes whoever creates files pay for those that
 * were removed in the last minutes.
 */
export function createJournal(stateDir: string): Journal {
  const root = dirname(stateDir);
  const dir = join(stateDir, 'attempts');
  const pathOf = (id: string): string => join(dir, `${id}.ndjson`);
  /** The open record of each attempt of ours. */
  const files = new Map<string, number>();
  const over = new Set<string>();
  const spoilt = new Set<string>();
  let count = 0;

  function append(id: string, line: string): void {
    let fd = files.get(id);
    if (fd === undefined) {
      makeFolder(dir);
      files.set(id, (fd = openSync(pathOf(id), 'a')));
    }
    const bytes = Buffer.from(`${line}\n`);
    for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written);
  }

  function* texts(accepts: (owner: string) => boolean): Generator<readonly [id: string, text: string]> {
    for (const { name } of readFolder(dir)) {
      const [, id = '', kind] = /^(.+)\.([^.]+)$/.exec(name) ?? [];
      const owner = ownerOfAttempt(id);
      if (owner === undefined || !accepts(owner)) continue;
      // The record of another version says its name only.
      yield [id, (kind === 'ndjson' && readIfExists(join(dir, name))?.toString('utf8')) || ''];
    }
  }

  function forget(id: string): void {
    for (const name of readNames(dir))
      if (name.startsWith(`${id}.`)) rmSync(join(dir, name), { force: true });
  }

  /** One that is over has no staging folder any more. */
  const isOver = (id: string, text: string): boolean =>
    text === '' && !existsSync(join(stateDir, 'staging', id));

  function records(accepts: (owner: string) => boolean): readonly Unfinished[] {
    return Array.from(texts(accepts)).flatMap(([id, text]) =>
      isOver(id, text) ? [] : [readRecord(text, { root, id })],
    );
  }

  return {
    newId() {
      const [id] = over;
      if (id === undefined) return `${ownerMark()}.${count++}`;
      over.delete(id);
      return id;
    },
    begin(stage, { id, outs, folders }, { durable }) {
      append(id, formatStep(root, { id, stage, phase: 'running', outs, folders }));
      if (!durable) return;
      syncPath(pathOf(id));
      syncPath(dir);
    },
    started(id, leader) {
      append(id, formatStep(root, { process: leader }));
    },
    async intend(id, result, { durable }) {
      append(id, formatStep(root, { phase: 'committing', ...(result && { result }) }));
      if (durable) await flush([pathOf(id), dir]);
    },
    withdraw(id) {
      // Behind an intent that is there in part, when the disk is full, it is a damaged line, too: neither counts.
      append(id, formatStep(root, { phase: 'running' }));
    },
    spoil(id) {
      spoilt.add(id);
    },
    remove(id) {
      const fd = files.get(id);
      if (fd !== undefined && !spoilt.has(id)) {
        ftruncateSync(fd, 0);
        over.add(id);
        return;
      }
      // Beside a staging folder, an empty record would be that of an attempt whose lines are damaged.
      forget(id);
      if (fd !== undefined) closeSync(fd);
      files.delete(id);
    },
    close() {
      for (const fd of files.values()) closeSync(fd);
      files.clear();
      for (const id of over) rmSync(pathOf(id), { force: true });
      over.clear();
    },
    sweep() {
      for (const [id, text] of texts((owner) => !isOwnerAlive(owner))) if (isOver(id, text)) forget(id);
    },
    orphans: () => records((owner) => !isOwnerAlive(owner)),
    unfinished: () => records(() => true),
  };
}

/** Whose attempt has this name, as `isOwnerAlive` takes it; `undefined` for a name that `newId` does not give. */
export function ownerOfAttempt(name: string): string | undefined {
  return /^(\d+-[0-9A-Za-z]+)\.\d+$/.exec(name)?.[1];
}

/** The steps of an attempt taken together; without a sound first one, only the leader is believed. */
function readRecord(text: string, where: StepPlace): Unfinished {
  const lines = text.split('\n').slice(0, -1);
  const steps = lines.flatMap((line) => parseStep(line, where) ?? []);
  const taken: Partial<AttemptRecord> = Object.assign({}, ...steps);
  if (taken.outs) return taken as AttemptRecord;
  return { id: where.id, phase: 'lost', ...(taken.process && { process: taken.process }) };
}
