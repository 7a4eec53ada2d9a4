import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson, parseJson } from '../base/hash.ts';
import type { Json, StageLock } from '../base/types.ts';
import { readFolder, readIfExists, writeFileAtomic } from '../io/files.ts';
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
  /** Replaces the attempt's record; with `durable` it is on the disk when this returns. */
  write(record: AttemptRecord, options: { durable: boolean }): void;
  remove(id: string): void;
  /** Records whose runner is dead. */
  orphans(): readonly AttemptRecord[];
}

/** The attempts of a project: `.lockstep/attempts/<id>.json`. */
export function createJournal(stateDir: string): Journal {
  const dir = join(stateDir, 'attempts');
  let count = 0;
  return {
    newId: () => `${ownerMark()}.${count++}`,
    write(record, options) {
      const { result, ...rest } = record;
      const document = { ...rest, ...(result && { result: fromStageLock(result) }) };
      const text = canonicalJson(document as unknown as Json);
      writeFileAtomic(join(dir, `${record.id}.json`), text, options);
    },
    remove(id) {
      rmSync(join(dir, `${id}.json`), { force: true });
    },
    orphans() {
      const found: AttemptRecord[] = [];
      for (const entry of readFolder(dir)) {
        const match = /^(\d+-[0-9A-Za-z]+)\.\d+\.json$/.exec(entry.name);
        if (!match || isOwnerAlive(match[1] ?? '')) continue;
        const bytes = readIfExists(join(dir, entry.name));
        if (bytes) found.push(parseRecord(bytes.toString('utf8')));
      }
      return found;
    },
  };
}

function parseRecord(text: string): AttemptRecord {
  const { result, ...rest } = parseJson(text) as unknown as AttemptRecord & { result?: Json };
  return { ...rest, ...(result !== undefined && { result: toStageLock(result) }) };
}
