import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson, parseJson } from '../base/hash.ts';
import { byCodeUnit } from '../base/path.ts';
import type { Json, StageLock } from '../base/types.ts';
import { readFolder, readIfExists, writeFileAtomic } from '../io/files.ts';
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
  /** Writes the attempt's record; with `durable` it is on the disk when this returns. */
  begin(record: AttemptRecord, options: { durable: boolean }): void;
  /** Writes the intent beside the record; it is on the disk when this resolves. */
  intend(record: AttemptRecord): Promise<void>;
  /** Takes an intent back: nothing has moved, or all has moved back. */
  withdraw(id: string): void;
  remove(id: string): void;
  /** Records whose runner is dead; an intent that was cut off counts as not written. */
  orphans(): readonly AttemptRecord[];
}

/** The attempts of a project: `.lockstep/attempts/<id>.json`, and `<id>.commit` once the outs are to be moved. */
export function createJournal(stateDir: string): Journal {
  const dir = join(stateDir, 'attempts');
  let count = 0;
  return {
    newId: () => `${ownerMark()}.${count++}`,
    begin(record, options) {
      writeFileAtomic(join(dir, `${record.id}.json`), formatRecord(record), options);
    },
    async intend(record) {
      const path = join(dir, `${record.id}.commit`);
      writeFileAtomic(path, formatRecord(record), { durable: false });
      await flush([path, dir]);
    },
    withdraw(id) {
      rmSync(join(dir, `${id}.commit`), { force: true });
    },
    remove(id) {
      rmSync(join(dir, `${id}.json`), { force: true });
      rmSync(join(dir, `${id}.commit`), { force: true });
    },
    orphans() {
      const found = new Map<string, AttemptRecord>();
      // `.commit` sorts before `.json`: where both can be read, the intent is what counts.
      for (const name of readFolder(dir)
        .map((entry) => entry.name)
        .sort(byCodeUnit)) {
        const match = /^((\d+-[0-9A-Za-z]+)\.\d+)\.(?:commit|json)$/.exec(name);
        const [, id = '', owner = ''] = match ?? [];
        if (!match || found.has(id) || isOwnerAlive(owner)) continue;
        const record = parseRecord(readIfExists(join(dir, name))?.toString('utf8') ?? '');
        if (record) found.set(id, record);
      }
      return [...found.values()];
    },
  };
}

function formatRecord({ result, ...rest }: AttemptRecord): string {
  const document = { ...rest, ...(result && { result: fromStageLock(result) }) };
  return canonicalJson(document as unknown as Json);
}

/** `undefined` for a record that a crash cut off. */
function parseRecord(text: string): AttemptRecord | undefined {
  try {
    const { result, ...rest } = parseJson(text) as unknown as AttemptRecord & { result?: Json };
    return { ...rest, ...(result !== undefined && { result: toStageLock(result) }) };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
