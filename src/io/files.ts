import { constants as buffer } from 'node:buffer';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { Dirent, Stats } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { UNSUPPORTED, PipelineError, isSystemError } from '../base/error.ts';
import { formatBytes } from '../base/text.ts';
import { isOwnerAlive, ownerMark } from './process-id.ts';

/**
 * The file's bytes; `undefined` when there is no such file. Throws `path.special` for what is no file, `path.too-large` for
 * more bytes than one text can hold, or than `most`, and system errors.
 */
export function readIfExists(path: string, most: number = TEXT_BYTES): Buffer | undefined {
  const fd = openIfExists(path);
  if (fd === undefined) return undefined;
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw notA('file', path, stat.isDirectory() ? 'folder' : 'FIFO or device');
    if (stat.size > most) throw tooLarge(path, most);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

const TEXT_BYTES = buffer.MAX_STRING_LENGTH;

function tooLarge(path: string, most: number): PipelineError {
  return new PipelineError(
    'path.too-large',
    `"${path}" has more than the ${formatBytes(most)} that can be read at once`,
    {
      hint: 'see what wrote it; as a dep or an out a file may have any size',
    },
  );
}

function openIfExists(path: string): number | undefined {
  try {
    // Else the opening of a FIFO waits for who writes to it, and hears no Ctrl-C meanwhile.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    if (isSystemError(error, 'ENXIO')) throw notA('file', path, 'socket');
    throw error;
  }
}

/** The error for what stands where a file belongs (a bind mount of a missing file makes a folder), or a folder. */
export function notA(wanted: 'file' | 'folder', path: string, is: string): PipelineError {
  return new PipelineError('path.special', `"${path}" is a ${is}, and a ${wanted} belongs there`, {
    hint: `remove the ${is}, or move it away`,
  });
}

/** What is at the path itself (links followed); `undefined` when nothing is. */
export function statIfExists(path: string): Stats | undefined {
  return unlessMissing(() => statSync(path, OR_NOTHING));
}

/** The same, of a link itself. */
export function lstatIfExists(path: string): Stats | undefined {
  return unlessMissing(() => lstatSync(path, OR_NOTHING));
}

const OR_NOTHING = { throwIfNoEntry: false } as const;

/** Where a folder of the path is none, there is nothing either. */
function unlessMissing<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/**
 * Makes a folder and those above it, where they are not there. Of a failure that it does not expect there (a read-only file
 * system, a quota) Node says ENOENT; the system's own word comes of making the first that is missing by itself.
 */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
    mkdirSync(firstMissing(path));
    mkdirSync(path, { recursive: true });
  }
}

function firstMissing(path: string): string {
  const above = dirname(path);
  return above === path || statIfExists(above) ? path : firstMissing(above);
}

/**
 * Replaces a file in one step: readers see the old bytes or the new ones. With `durable`, both bytes and name are
 * on the disk when this returns. The temp name carries its owner, so that only a dead owner's is ever swept; it is beside
 * the file, whose folder is made, unless `temp` is another one of `tempName`.
 */
export function writeFileAtomic(
  path: string,
  data: string | Uint8Array | readonly Uint8Array[],
  options: { durable: boolean; mode?: number; temp?: string },
): void {
  const temp = options.temp ?? tempName(path);
  try {
    const fd = openNew(temp, options.mode ?? 0o644);
    try {
      if (isParts(data)) for (const part of data) writeFileSync(fd, part);
      else writeFileSync(fd, data);
      if (options.durable) fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temp, path);
  } catch (error) {
    rmSync(temp, { force: true });
    throw error;
  }
  if (options.durable) syncPath(dirname(path));
}

/** Opens a new file; its folder is made, by `make`, when it is not there, which is seldom. */
export function openNew(path: string, mode: number, make: (folder: string) => void = makeFolder): number {
  try {
    return openSync(path, 'wx', mode);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
    make(dirname(path));
    return openSync(path, 'wx', mode);
  }
}

/** Makes a folder, but none of those above it; false when it is there. */
export function makeOneFolder(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) return false;
    throw error;
  }
}

function isParts(data: string | Uint8Array | readonly Uint8Array[]): data is readonly Uint8Array[] {
  return Array.isArray(data);
}

/** A name beside `path`, on the same device, that no one else uses: `.<owner>.<n>.tmp`. */
export function tempName(path: string): string {
  return join(dirname(path), `.${ownerMark()}.${(counter++).toString(36)}.tmp`);
}
let counter = 0;

/** Whose temp file has this name, as `isOwnerAlive` takes it; `undefined` for a name that `tempName` does not give. */
export function ownerOfTemp(name: string): string | undefined {
  return /^\.(\d+-[0-9A-Za-z]+)\.[0-9a-z]+\.tmp$/.exec(name)?.[1];
}

/** Removes temp files below a folder whose owner is dead; `deep` also looks into its folders. */
export function sweepTemps(folder: string, deep = false): void {
  for (const path of findStaleTemps(folder, deep)) rmSync(path, { recursive: true, force: true });
}

/** What `sweepTemps` removes. From here the owner may only look dead: it may live in another container, or on another machine. */
export function findStaleTemps(folder: string, deep = false): readonly string[] {
  return readFolder(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    const owner = ownerOfTemp(entry.name);
    if (owner !== undefined) return isOwnerAlive(owner) ? [] : [path];
    return deep && entry.isDirectory() ? findStaleTemps(path, true) : [];
  });
}

/** True of what stands below a folder, both as absolute paths; the folder may be the root of the file system. */
export function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** A folder's entries; none when it does not exist. */
export function readFolder(folder: string): readonly Dirent[] {
  return unlessMissing(() => readdirSync(folder, { withFileTypes: true })) ?? [];
}

/** Bytes of the files at a path and below, as far as they can be looked at: another user's may be among them. */
export function bytesBelow(path: string): number {
  try {
    const stat = lstatIfExists(path);
    if (!stat?.isDirectory()) return stat?.isFile() === true ? stat.size : 0;
    return readFolder(path).reduce((sum, { name }) => sum + bytesBelow(join(path, name)), 0);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return 0;
  }
}

/** A folder's names; none when it does not exist. */
export function readNames(folder: string): readonly string[] {
  return unlessMissing(() => readdirSync(folder)) ?? [];
}

/** Puts a file's bytes, or a folder's names, on the disk. */
export function syncPath(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } catch (error) {
    if (!isFlushRefused(error)) throw error;
  } finally {
    closeSync(fd);
  }
}

/** Some network file systems refuse to flush folders; their own protocol orders names. */
export function isFlushRefused(error: unknown): boolean {
  return isSystemError(error, 'EINVAL', ...UNSUPPORTED);
}
