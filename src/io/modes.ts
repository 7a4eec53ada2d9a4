import { chmodSync, fchmodSync, lstatSync, rmSync, writeFileSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { UNSUPPORTED, isSystemError } from '../base/error.ts';
import { statIfExists, tempName } from './files.ts';

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

/**
 * Changes the mode of a file, by its path or while it is open; false where that is refused: it is another user's, as what a stage has made in
 * a container, or the file system has no modes (FAT, many a share).
 */
export function setMode(file: string | number, mode: number): boolean {
  try {
    if (typeof file === 'number') fchmodSync(file, mode);
    else chmodSync(file, mode);
    return true;
  } catch (error) {
    if (isSystemError(error, 'EPERM', 'EROFS', ...UNSUPPORTED)) return false;
    throw error;
  }
}

/** Whether files in a folder have the rights that they are given: tried with one. */
export function keepsModes(folder: string): boolean {
  const file = tempName(join(folder, 'probe'));
  try {
    writeFileSync(file, '', { flag: 'wx', mode: 0o600 });
    return setMode(file, 0o400) && (lstatSync(file).mode & 0o777) === 0o400;
  } finally {
    rmSync(file, { force: true });
  }
}

/** Whether a file may be executed; `recorded` is what is to be taken for it where that cannot be seen. */
export type ExecuteBit = (file: Pick<Stats, 'dev' | 'mode'>, recorded: boolean) => boolean;

/** On FAT, NTFS and many a share each file may be executed, one that was made without that right as well: `own`, once it is there. */
export function createExecuteBit(own: string): ExecuteBit {
  return ({ dev, mode }, recorded) => {
    if (!mayExecute(mode)) return false;
    const ours = statIfExists(own);
    return ours?.dev === dev && mayExecute(ours.mode) ? recorded : true;
  };
}

function mayExecute(mode: number): boolean {
  return (mode & 0o100) !== 0;
}
