import { closeSync, fchmodSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { isSystemError } from '../base/error.ts';
import { createRunningHash, hashBytes } from '../base/hash.ts';
import type { ContentHash, HashAlgorithm } from '../base/types.ts';
import type { PlaceInBlock } from './file-block.ts';

/** How a cache object may be used: a file that has become one is nobody's to write. */
export const OBJECT_MODE = 0o444;

/** How an object of a file with this mode may be used: who might not read the file may not read the object either. */
export function objectMode(mode: number): number {
  return (mode & OBJECT_MODE) | 0o400;
}

/** All rights of those who may read what has this mode. */
export function readersOf(mode: number): number {
  const read = mode & 0o444;
  return read | (read >> 1) | (read >> 2);
}

/**
 * How a copy may be used. `file`: as any new file, `object`: as an object, both by those only who may read what is copied;
 * `public`: as an object, by all.
 */
export type CopyRights = 'file' | 'object' | 'public';

/** The mode of a copy of a file that has this one. What it gives a `file` is less the umask, the others have all of it. */
export function modeOfCopy(rights: CopyRights, mode: number): number {
  if (rights === 'file') return 0o666 & readersOf(mode);
  return rights === 'object' ? objectMode(mode) : OBJECT_MODE;
}

/** The hash of one file's bytes, read through the given buffer; a system error is returned, not thrown. */
export function hashFile(path: string, algorithm: HashAlgorithm, buffer: Buffer): ContentHash | Error {
  const hashed = whileOpen(path, (fd) => hashOpen(fd, algorithm, buffer));
  return hashed instanceof Error ? hashed : hashed.hash;
}

/** What a file is known by. */
export type FileLook = Pick<Stats, 'dev' | 'ino' | 'size' | 'mode' | 'mtimeMs' | 'ctimeMs'>;

/** Only what is to be kept of a stat. */
export function lookOf({ dev, ino, size, mode, mtimeMs, ctimeMs }: FileLook): FileLook {
  return { dev, ino, size, mode, mtimeMs, ctimeMs };
}

/** For a file of which only the size is known. */
export function unseen(size: number): FileLook {
  return { dev: 0, ino: 0, size, mode: 0, mtimeMs: 0, ctimeMs: 0 };
}

/** A file that was seen and is to be hashed. */
export interface FileToHash {
  /** Absolute path. */
  readonly path: string;
  readonly look: FileLook;
}

export interface HashedFile {
  readonly hash: ContentHash;
  /** As it was seen, or after it was sealed; with the size of what was hashed, should it have grown meanwhile. */
  readonly look: FileLook;
  /** Absent where its bytes still have to be made ready. */
  readonly ready?: ReadyBytes;
}

/** Bytes that were hashed and can become an object: a file that was made read-only before, or a copy of it. */
export interface ReadyBytes {
  /** Absolute path of the copy; absent where it is the file itself. */
  readonly copy?: string;
  /** It looks like this. */
  readonly look: FileLook;
  /** Where threads find it again; absent where none were at work. */
  readonly at?: PlaceInBlock;
}

export interface HashOptions {
  readonly algorithm: HashAlgorithm;
  /**
   * Makes the file read-only first, so that nobody new can open it for writing; not one that has been replaced, nor one
   * that has another name or owner: it may be somebody's own.
   */
  readonly seal: boolean;
  readonly buffer: Buffer;
}

/** Hashes a file that was seen; errors as with `hashFile`. */
export function hashSeen(
  { path, look }: FileToHash,
  { algorithm, seal, buffer }: HashOptions,
): HashedFile | Error {
  return whileOpen(path, (fd, { ino, nlink, mode }) => {
    const isOurs =
      seal && ino === look.ino && nlink === 1 && isAllowed(() => fchmodSync(fd, objectMode(mode)));
    const { hash, size } = hashOpen(fd, algorithm, buffer);
    const after = isOurs ? fstatSync(fd) : undefined;
    if (after && isUnwritten(after, look)) return { hash, look: after, ready: { look: after } };
    return { hash, look: size === look.size ? look : { ...look, size } };
  });
}

/** Changes a file's mode; false where it is another user's, as what a stage has made in a container. */
export function isAllowed(change: () => void): boolean {
  try {
    change();
    return true;
  } catch (error) {
    if (!isSystemError(error, 'EPERM')) throw error;
    return false;
  }
}

/** True when it is the same file, and nobody has written to it since. */
export function isUnwritten(now: FileLook, { ino, size, mtimeMs }: FileLook): boolean {
  return now.ino === ino && now.size === size && now.mtimeMs === mtimeMs;
}

function whileOpen<T>(path: string, use: (fd: number, stat: Stats) => T): T | Error {
  try {
    const fd = openSync(path, 'r');
    try {
      const stat = fstatSync(fd);
      if (stat.isFile()) return use(fd, stat);
      return Object.assign(new Error(`"${path}" is not a file`), { code: 'EISDIR' });
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return error as Error;
  }
}

interface Hashed {
  readonly hash: ContentHash;
  readonly size: number;
}

function hashOpen(fd: number, algorithm: HashAlgorithm, buffer: Buffer): Hashed {
  let read = readSync(fd, buffer, 0, buffer.length, null);
  let size = read;
  if (read < buffer.length) {
    // A short read is the end only when another one returns nothing.
    const more = readSync(fd, buffer, read, buffer.length - read, null);
    if (more === 0) return { hash: hashBytes(algorithm, buffer.subarray(0, read)), size };
    read += more;
    size = read;
  }
  const running = createRunningHash(algorithm);
  while (read > 0) {
    running.update(buffer.subarray(0, read));
    read = readSync(fd, buffer, 0, buffer.length, null);
    size += read;
  }
  return { hash: running.end(), size };
}
