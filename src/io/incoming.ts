import { mkdirSync, renameSync, rmSync } from 'node:fs';
import type { RmOptions } from 'node:fs';
import { dirname, join } from 'node:path';
import { isSystemError } from '../base/error.ts';
import { readNames, tempName } from './files.ts';

/** Below a folder of objects: what has no name yet. All of it, so that looking for what a crash left never walks the objects. */
export const INCOMING = '.incoming';

/** A name for a temp file, or folder, below a folder of objects. */
export function newTempIn(objects: string): string {
  return tempName(join(objects, INCOMING, 'temp'));
}

/** Makes a temp folder for many files that get their names together; see `placeIn`. */
export function makeTempFolder(objects: string): string {
  const folder = newTempIn(objects);
  mkdirSync(folder);
  return folder;
}

/**
 * Where a file waits in a temp folder: under the last two parts of the path that it is to have (`ab/cdef…`). The folder is for its
 * writer to make.
 */
export function placeIn(tempFolder: string, target: string): string {
  return tempFolder + target.slice(target.lastIndexOf('/', target.lastIndexOf('/') - 1));
}

/** A temp file and the name that it is to have; absolute paths on one file system. */
export interface Unnamed {
  readonly temp: string;
  readonly target: string;
}

/**
 * Gives all files of a folder their names at once, if they wait in a folder that holds them and nothing else, and what is at the
 * place of theirs is an empty folder. Nobody may be writing to where they wait. False where it cannot be done: each then needs
 * its own.
 */
export function nameTogether(files: readonly Unnamed[]): boolean {
  const [first] = files;
  if (!first) return false;
  const waiting = dirname(first.temp);
  const folder = dirname(first.target);
  const names = new Set(readNames(waiting));
  const keepsName = ({ temp, target }: Unnamed): boolean => {
    const name = temp.slice(waiting.length + 1);
    return temp.startsWith(waiting) && names.has(name) && target.slice(folder.length + 1) === name;
  };
  if (names.size !== files.length || !files.every(keepsName)) return false;
  try {
    renameSync(waiting, folder);
    return true;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return false;
  }
}

/** What cannot be removed stays for a later sweep, as after a crash: a disk that fails has been told of already. */
export function removeTemp(path: string): void {
  remove(path, { force: true });
}

/** The same for a folder and all in it; a thread that was ended may still be writing there. */
export function removeTempFolder(path: string): void {
  remove(path, { force: true, recursive: true });
}

function remove(path: string, options: RmOptions): void {
  try {
    rmSync(path, options);
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}
