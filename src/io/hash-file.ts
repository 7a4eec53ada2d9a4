import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { createRunningHash, hashBytes } from '../base/hash.ts';
import type { ContentHash, HashAlgorithm } from '../base/types.ts';
import type { PlaceInBlock } from './file-block.ts';
import { objectMode, setMode } from './modes.ts';

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
  /** The temp folder in which the copy waits, at its `placeIn`; absent where it is the file itself. */
  readonly copiedTo?: string;
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
    const isOurs = seal && ino === look.ino && nlink === 1 && setMode(fd, objectMode(mode));
    const { hash, size } = hashOpen(fd, algorithm, buffer);
    const after = isOurs ? fstatSync(fd) : undefined;
    if (after && isUnwritten(after, look)) return { hash, look: after, ready: { look: after } };
    return { hash, look: size === look.size ? look : { ...look, size } };
  });
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
