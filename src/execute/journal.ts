import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson, parseJson } from '../base/hash.ts';
import type { Json, StageLock } from '../base/types.ts';
import { appendLine, readFolder, readIfExists, syncPath } from '../io/files.ts';
import { flush } from '../io/flush.ts';
import { isOwnerAlive, ownerMark } from '../io/process-id.ts';
import { fromStageLock, toStageLock } from '../record/stage-lock.ts';

/** Where one out stands while an attempt is under way; absolute paths. */
export interface JournaledOut {
  readonly path: string;
  readonly home: string;
  readonly made: string;
  readonly aside: string;
  /** There was an old out when the attempt began. */
  readonly had: boolean;
}

/**
 * What must be known to undo or finish an attempt whose runner died. `running`: the old outs belong back.
 * `committing`: every new byte is safe, the moves are to be finished and the result recorded.
 */
export interface AttemptRecord {
  readonly id: string;
  readonly stage: string;
  readonly phase: 'running' | 'committing';
  /** Leader of the stage's process group and when it started. */
  readonly process?: { readonly pid: number; readonly start: string };
  readonly outs: readonly JournaledOut[];
  readonly folders: readonly string[];
  /** Only while committing. */
  readonly result?: StageLock;
}

export interface Journal {
  /** A name for a new attempt that tells its runner: `<pid>-<start>.<n>`. */
  newId(): string;
  /** Begins the attempt's record; with `durable` it is on the disk when this returns. */
  begin(record: AttemptRecord, options: { durable: boolean }): void;
  /** Adds the leader of the process group. */
  started(id: string, leader: NonNullable<AttemptRecord['process']>): void;
  /** Adds the intent to move; it is on the disk when this resolves. */
  intend(id: string, result: StageLock | undefined): Promise<void>;
  /** Takes an intent back: nothing has moved, or all has moved back. */
  withdraw(id: string): void;
  remove(id: string): void;
  /** Records whose runner is dead. */
  orphans(): readonly AttemptRecord[];
}

/**
 * The attempts of a project: `.lockstep/attempts/<id>.ndjson`, one line per step, each adding to what the lines before
 * it say. A last line that a crash cut off counts as not written.
 */
export function createJournal(stateDir: string): Journal {
  const dir = join(stateDir, 'attempts');
  const pathOf = (id: string): string => join(dir, `${id}.ndjson`);
  let count = 0;
  return {
    newId: () => `${ownerMark()}.${count++}`,
    begin(record, { durable }) {
      appendLine(pathOf(record.id), formatStep(record));
      if (!durable) return;
      syncPath(pathOf(record.id));
      syncPath(dir);
    },
    started(id, leader) {
      appendLine(pathOf(id), formatStep({ process: leader }));
    },
    async intend(id, result) {
      appendLine(pathOf(id), formatStep({ phase: 'committing', ...(result && { result }) }));
      await flush([pathOf(id), dir]);
    },
    withdraw(id) {
      // The intent may be there in part, when the disk is full.
      appendLine(pathOf(id), `\n${formatStep({ phase: 'running' })}`);
    },
    remove(id) {
      rmSync(pathOf(id), { force: true });
    },
    orphans() {
      const found: AttemptRecord[] = [];
      for (const { name } of readFolder(dir)) {
        const owner = /^(\d+-[0-9A-Za-z]+)\.\d+\.ndjson$/.exec(name)?.[1];
        if (owner === undefined || isOwnerAlive(owner)) continue;
        const record = readRecord(readIfExists(join(dir, name))?.toString('utf8') ?? '');
        if (record) found.push(record);
        else rmSync(join(dir, name), { force: true });
      }
      return found;
    },
  };
}

function formatStep({ result, ...rest }: Partial<AttemptRecord>): string {
  const document = { ...rest, ...(result && { result: fromStageLock(result) }) };
  return canonicalJson(document as unknown as Json);
}

/** The steps of an attempt taken together; `undefined` when not even the first was written whole. */
function readRecord(text: string): AttemptRecord | undefined {
  let record: AttemptRecord | undefined;
  for (const line of text.split('\n').slice(0, -1)) {
    const read = parseStep(line);
    if (!read) continue;
    const { result, ...step } = read;
    record = { ...record, ...step, ...(result !== undefined && { result: toStageLock(result) }) };
  }
  return record;
}

/** `undefined` for a step that a full disk cut off before the next one was written. */
function parseStep(line: string): (AttemptRecord & { readonly result?: Json }) | undefined {
  try {
    return parseJson(line) as unknown as AttemptRecord & { readonly result?: Json };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
