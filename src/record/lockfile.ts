import { PipelineError } from '../base/error.ts';
import type { Json, Lock, StageLock } from '../base/types.ts';
import { byCodeUnit, pathSetFault } from '../base/path.ts';
import { shellPath } from '../base/text.ts';
import { RecordFault, fromArtifact, fromStageLock, sumOf, toArtifact, toStageLock } from './stage-lock.ts';
import { formatYaml } from './yaml-text.ts';

export const LOCKFILE = 'pipeline.lock';

/** Raised when an older lockstep could misread the file. */
const VERSION = 1;
const HEADER = '# Written by lockstep; commit it with the change that made it.\n';
const MAX_BYTES = 256 * 1024 * 1024;

export const EMPTY_LOCK: Lock = { stages: new Map(), data: [] };

/** Keeps the text of unchanged entries, so that one changed stage of thousands costs one stage. */
export interface LockFormatter {
  format(lock: Lock): string;
}

export function createLockFormatter(): LockFormatter {
  const texts = new WeakMap<StageLock, string>();
  return {
    format(lock) {
      const names = [...lock.stages.keys()].sort(byCodeUnit);
      const stages = names.map((name) => {
        const entry = lock.stages.get(name);
        if (!entry) return '';
        let text = texts.get(entry);
        if (text === undefined) texts.set(entry, (text = formatYaml(toDocument(entry), 4)));
        return `${formatYaml({ [name]: null }, 2).replace(/ null\n$/, '\n')}${text}`;
      });
      const data = [...lock.data].sort((a, b) => byCodeUnit(a.path, b.path)).map(fromArtifact);
      return [
        HEADER,
        `lockfile: ${VERSION}\n`,
        data.length === 0 ? '' : `data:\n${formatYaml(data, 2)}`,
        stages.length === 0 ? 'stages: {}\n' : `stages:\n${stages.join('')}`,
      ].join('');
    },
  };
}

/** What git makes of two results without a conflict must not look like one of ours: both sides change this line. */
const SUM = 'sum';
/** Of an entry that did not fit its sum, and must not fit it once it has been written again. */
const NO_SUM = 'none';

function lineOfSum(document: Json): string {
  const sum = sumOf(document);
  return sum === undefined ? NO_SUM : `sha256:${sum}`;
}

function toDocument(entry: StageLock): Json {
  const document = fromStageLock(entry) as Readonly<Record<string, Json>>;
  return { ...document, [SUM]: entry.edited ? NO_SUM : lineOfSum(document) };
}

/** Entries of a lock from before there were sums have none, and are believed. */
function fromDocument(value: Json): StageLock {
  if (typeof value !== 'object' || value === null || !(SUM in value)) return toStageLock(value);
  const { [SUM]: sum, ...document } = value as Readonly<Record<string, Json>>;
  const entry = toStageLock(document);
  return sum === lineOfSum(fromStageLock(entry)) ? entry : { ...entry, edited: true };
}

/**
 * Reads a lockfile, which anyone may have edited: throws `lock.conflict` for merge-conflict markers, `lock.version`
 * for a file of a newer lockstep, and `lock.invalid` naming the stage for whatever else is not as we write it. `folder` is
 * where commands of hints are pasted, from the root.
 */
export async function parseLock(text: string, folder = ''): Promise<Lock> {
  try {
    return await readLock(text);
  } catch (error) {
    throw error instanceof LockFault ? toTold(error, folder) : error;
  }
}

async function readLock(text: string): Promise<Lock> {
  const conflict = /^(<{7}|={7}|>{7})/m.exec(text);
  if (conflict) {
    const line = text.slice(0, conflict.index).split('\n').length;
    throw new LockFault('lock.conflict', `${LOCKFILE} has merge-conflict markers`, line);
  }
  if (text.length > MAX_BYTES) throw invalid(`it is larger than ${MAX_BYTES} bytes`);
  const value = await parseYaml(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('it is not a map');
  const { lockfile, stages, data, ...rest } = value as Readonly<Record<string, Json | undefined>>;
  if (typeof lockfile === 'number' && lockfile > VERSION) {
    const message = `${LOCKFILE} has version ${lockfile}, this lockstep knows ${VERSION}`;
    throw new LockFault('lock.version', message, lineOf(text, 'lockfile', 0));
  }
  if (lockfile !== VERSION) throw invalid('it has no "lockfile: 1"', lineOf(text, 'lockfile', 0));
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw invalid(`it has the unknown key "${unknown}"`, lineOf(text, unknown, 0));
  const entries = stages ?? {};
  if (typeof entries !== 'object' || Array.isArray(entries))
    throw invalid('"stages" is not a map', lineOf(text, 'stages', 0));
  const result = new Map<string, StageLock>();
  for (const [name, entry] of Object.entries(entries as Readonly<Record<string, Json>>)) {
    result.set(
      name,
      believe(
        () => checkPaths(fromDocument(entry)),
        `stage "${name}"`,
        () => lineOf(text, name, 2),
      ),
    );
  }
  if (data !== undefined && !Array.isArray(data))
    throw invalid('"data" is not a list', lineOf(text, 'data', 0));
  const inputs = believe(
    () => ((data ?? []) as readonly Json[]).map(toArtifact),
    '"data"',
    () => lineOf(text, 'data', 0),
  );
  const twice = pathSetFault(inputs.map((input) => input.path));
  if (twice !== undefined) throw invalid(`in "data" ${twice}`, lineOf(text, 'data', 0));
  return { stages: result, data: inputs };
}

function checkPaths(entry: StageLock): StageLock {
  const fault = pathSetFault(entry.outs.map((out) => out.path));
  if (fault !== undefined) throw new RecordFault(fault);
  return entry;
}

async function parseYaml(text: string): Promise<Json> {
  const { JSON_SCHEMA, NOT_RESOLVED, intJsonTag, load } = await import('js-yaml');
  const bigInts = {
    ...intJsonTag,
    // The library rounds integers beyond 2^53; parameters keep their digits.
    resolve: (source: string): unknown => {
      if (!/^-?(0|[1-9][0-9]*)$/.test(source)) return NOT_RESOLVED;
      const number = Number(source);
      return Number.isSafeInteger(number) ? number : BigInt(source);
    },
  };
  try {
    return load(text, { schema: JSON_SCHEMA.withTags(bigInts), maxAliases: 0, maxDepth: 100 }) as Json;
  } catch (error) {
    const { reason, mark } = error as { reason?: string; mark?: { line: number } };
    throw invalid(`it is not valid YAML: ${reason ?? 'it cannot be read'}`, (mark?.line ?? 0) + 1);
  }
}

function believe<T>(read: () => T, what: string, line: () => number): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof RecordFault)
      throw invalid(`${what} is not as lockstep writes it: ${error.message}`, line());
    throw error;
  }
}

/** Line of a key at a depth, as our own writer lays it out; 1 when it is laid out otherwise. */
function lineOf(text: string, key: string, indent: number): number {
  const head = formatYaml({ [key]: null }, indent).replace(/ null\n$/, '');
  const at = `\n${text}`.indexOf(`\n${head}`);
  return at < 0 ? 1 : text.slice(0, at).split('\n').length;
}

/** Why a text is no lock of ours, and in which line. */
class LockFault extends Error {
  readonly code: keyof typeof HINTS;
  readonly line: number;
  constructor(code: keyof typeof HINTS, message: string, line: number) {
    super(message);
    this.code = code;
    this.line = line;
  }
}

/** What can be done, with the lock as a command names it. */
const HINTS = {
  // Not the file of one side: it knows nothing of the tracked inputs that the other has.
  'lock.conflict': (lock: string) =>
    `keep one side of each marked place, and all the rest (yours: "perl -ni -e 'print unless /^<{7} / or /^[|=]{7}/../^>{7} /' ${lock}"), then run "lockstep repro": it makes the lock true`,
  'lock.version': () => 'use the newer Lockstep that wrote it',
  'lock.invalid': (lock: string) =>
    `restore it with "git checkout HEAD ${lock}"; if it is the same in git, use the newer Lockstep that wrote it, or delete it and run "lockstep repro"`,
};

function toTold({ code, message, line }: LockFault, folder: string): PipelineError {
  return new PipelineError(code, message, {
    at: { file: LOCKFILE, line, column: 1, length: 1 },
    hint: HINTS[code](shellPath(LOCKFILE, folder)),
  });
}

function invalid(why: string, line = 1): LockFault {
  return new LockFault('lock.invalid', `${LOCKFILE} is refused: ${why}`, line);
}
