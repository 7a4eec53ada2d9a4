import { basename, join, relative } from 'node:path';
import { canonicalJson, parseJson, sha256Hex } from '../base/hash.ts';
import { guardedPart, isRelPath } from '../base/path.ts';
import type { Json } from '../base/types.ts';
import type { Leader } from '../io/process-group.ts';
import { RecordFault, fromStageLock, listOf, mapOf, toStageLock } from '../record/stage-lock.ts';
import type { AttemptRecord } from './journal.ts';
import type { StagedOut } from './staging.ts';

/** Whose record a step belongs to: the workspace it is found in, and the attempt that its file is named after. */
export interface StepPlace {
  readonly root: string;
  readonly id: string;
}

const SEAL_LENGTH = 32;

/**
 * A step as the line of a record: a checksum and canonical JSON. Paths are relative to the workspace, so that one
 * which was moved or copied cleans up itself.
 */
export function formatStep(root: string, step: Partial<AttemptRecord>): string {
  const { process, outs, folders, result, ...rest } = step;
  const document = {
    ...rest,
    ...(process && { process: { ...process } }),
    ...(outs && {
      outs: outs.map(({ path, made, aside, had }) => ({
        path,
        made: relative(root, made),
        aside: relative(root, aside),
        had,
      })),
    }),
    ...(folders && { folders: folders.map((folder) => relative(root, folder)) }),
    ...(result && { result: fromStageLock(result) }),
  };
  const text = canonicalJson(document);
  return `${sealOf(text)} ${text}`;
}

/** `undefined` for a line that is cut off, damaged or none of ours: nothing in it is believed. */
export function parseStep(line: string, where: StepPlace): Partial<AttemptRecord> | undefined {
  const text = line.slice(SEAL_LENGTH + 1);
  if (line.slice(0, SEAL_LENGTH + 1) !== `${sealOf(text)} `) return undefined;
  try {
    return toStep(parseJson(text), where);
  } catch (error) {
    // The seal is no secret: whoever brings a workspace along could have made it.
    if (error instanceof RecordFault || error instanceof SyntaxError || error instanceof RangeError)
      return undefined;
    throw error;
  }
}

function sealOf(text: string): string {
  return sha256Hex(text).slice(0, SEAL_LENGTH);
}

function toStep(value: Json, where: StepPlace): Partial<AttemptRecord> {
  const { id, stage, phase, process, outs, folders, result } = mapOf(value, 'the step');
  if (id !== undefined && id !== where.id) throw new RecordFault('the record is of another attempt');
  if (phase !== undefined && phase !== 'running' && phase !== 'committing')
    throw new RecordFault('the phase is unknown');
  if ((outs === undefined) !== (id === undefined)) throw new RecordFault('the first step is not whole');
  return {
    ...(id !== undefined && { id: where.id, stage: nameOf(stage) }),
    ...(phase !== undefined && { phase }),
    ...(process !== undefined && { process: toLeader(process) }),
    ...(outs !== undefined && {
      outs: listOf(outs, 'outs').map((out, index) => toOut(out, { ...where, index })),
    }),
    ...(folders !== undefined && {
      folders: listOf(folders, 'folders').map((folder) => join(where.root, stagingFolder(folder, where.id))),
    }),
    ...(result !== undefined && { result: toStageLock(result) }),
  };
}

function toLeader(value: Json): Leader {
  const { pid, start } = mapOf(value, 'the process');
  // A signal to 0, 1 or a negative number would reach others.
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid < 2 || typeof start !== 'string')
    throw new RecordFault('the process is not named');
  return { pid, start };
}

function toOut(value: Json, { root, id, index }: StepPlace & { readonly index: number }): StagedOut {
  const { path, made, aside, had } = mapOf(value, 'an out');
  if (typeof path !== 'string' || !isRelPath(path) || guardedPart(path) !== undefined)
    throw new RecordFault('an out has no path');
  const isStaged = (place: Json | undefined, kind: string): place is string => {
    const end = `/${kind}/${index}/${basename(path)}`;
    return typeof place === 'string' && place.endsWith(end) && isStaging(place.slice(0, -end.length), id);
  };
  if (made !== path && !isStaged(made, 'outs')) throw new RecordFault(`"${path}" is made elsewhere`);
  if (!isStaged(aside, 'aside')) throw new RecordFault(`"${path}" waits elsewhere`);
  return {
    path,
    home: join(root, path),
    made: join(root, made),
    aside: join(root, aside),
    had: had === true,
  };
}

function stagingFolder(value: Json, id: string): string {
  if (typeof value === 'string' && isStaging(value, id)) return value;
  throw new RecordFault('a folder is not of this attempt');
}

/** True for the folder of an attempt below `.lockstep/staging`, and for one beside an out below another mount. */
function isStaging(folder: string, id: string): boolean {
  if (folder === `.lockstep/staging/${id}`) return true;
  const above = folder.split('/');
  return above.pop() === `.lockstep-${id}` && (above.length === 0 || isRelPath(above.join('/')));
}

function nameOf(value: Json | undefined): string {
  if (typeof value !== 'string' || value === '' || value === '.' || value === '..')
    throw new RecordFault('the stage has no name');
  return value;
}
