import { closeSync, fstatSync, lstatSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { isSystemError } from '../base/error.ts';
import { algorithmOf, hashBytes, objectPath } from '../base/hash.ts';
import type { ContentHash, HashAlgorithm } from '../base/types.ts';
import { makeOneFolder, openNew } from './files.ts';
import { modeOfCopy, setMode } from './modes.ts';
import type { FileLook } from './hash-file.ts';
import type { CopyRights } from './modes.ts';
import { placeIn } from './incoming.ts';

/** A small file is read whole; a larger one is for others. */
export const COPY_BYTES: number = 4 * 1024 * 1024;

export interface SmallCopy {
  readonly path: string;
  readonly size: number;
  readonly hash: ContentHash;
  /** Nothing may be there. Its folder is made if it is the last one of the path that is missing. */
  readonly to: string;
  readonly rights: CopyRights;
}

/**
 * Copies a file if it has this size and hash; `buffer` is larger than that. Returns what the copy looks like,
 * or `undefined`: then nothing was written. Throws system errors, and leaves nothing then.
 */
export function copySmall({ path, size, hash, to, rights }: SmallCopy, buffer: Buffer): FileLook | undefined {
  let mode = 0;
  const bytes = readUpTo(size + 1, path, buffer, (fd) => {
    // Nobody asks how public a public copy's source is.
    if (rights !== 'public') ({ mode } = fstatSync(fd));
  });
  if (bytes.length !== size || hashBytes(algorithmOf(hash), bytes) !== hash) return undefined;
  return writeNew(to, bytes, { rights, mode });
}

export interface SmallKeep extends Pick<SmallCopy, 'path' | 'size'> {
  readonly algorithm: HashAlgorithm;
  /** Where objects are. */
  readonly cache: string;
  /** A temp folder there. */
  readonly tempFolder: string;
}

/**
 * Hashes a file of this size, and copies it like `copySmall` to its place in the temp folder, as an object, if neither that nor the
 * cache has one with these bytes. Returns `undefined` for a file of another size.
 */
export function keepSmall(
  { path, size, algorithm, cache, tempFolder }: SmallKeep,
  buffer: Buffer,
): { readonly hash: ContentHash; readonly copy?: FileLook } | undefined {
  let mode = 0;
  const bytes = readUpTo(size + 1, path, buffer, (fd) => ({ mode } = fstatSync(fd)));
  if (bytes.length !== size) return undefined;
  const hash = hashBytes(algorithm, bytes);
  const key = objectPath(hash);
  if (lstatSync(`${cache}/${key}`, { throwIfNoEntry: false })) return { hash };
  try {
    return { hash, copy: writeNew(placeIn(tempFolder, key), bytes, { rights: 'object', mode }) };
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) return { hash };
    throw error;
  }
}

/** A file's bytes, up to a length: one byte more than expected shows that the file has grown. `look` is told of it while it is open. */
export function readUpTo(length: number, file: string, buffer: Buffer, look?: (fd: number) => void): Buffer {
  const fd = openSync(file, 'r');
  try {
    let filled = 0;
    // Right bytes are right without a further read that finds the end.
    do {
      const read = readSync(fd, buffer, filled, length - filled, null);
      if (read === 0) break;
      filled += read;
    } while (filled < length - 1);
    look?.(fd);
    return buffer.subarray(0, filled);
  } finally {
    closeSync(fd);
  }
}

/** Asked once: each answer takes two system calls, and nobody here changes it. */
function isMasked(mode: number): boolean {
  return ((umask ??= process.umask()) & mode) !== 0;
}
let umask: number | undefined;

function writeNew(
  path: string,
  bytes: Uint8Array,
  from: { readonly rights: CopyRights; readonly mode: number },
): FileLook {
  const mode = modeOfCopy(from.rights, from.mode);
  const fd = openNew(path, mode, makeOneFolder);
  try {
    writeFileSync(fd, bytes);
    if (from.rights !== 'file' && isMasked(mode)) setMode(fd, mode);
    return fstatSync(fd);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}
