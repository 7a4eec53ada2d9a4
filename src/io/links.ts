import { constants, copyFileSync, linkSync, lstatSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UNSUPPORTED, isSystemError } from '../base/error.ts';
import { makeFolder, tempName } from './files.ts';
import { keepsModes, modeOfCopy, setMode } from './modes.ts';
import { mountOf } from './mounts.ts';

export type LinkType = 'reflink' | 'hardlink' | 'copy';

/** Makes workspace files out of cache objects (or the other way round) without a copy of their bytes. */
export interface Linker {
  /** What works between the two folders; `copy`: no link does. */
  readonly type: LinkType;
  /** The device of the folder of the objects, which may have been reached by a symbolic link: hardlinks lead to it alone. */
  readonly device: number;
  /** True for a folder (it need not be there) below the same mount: hardlinks lead to no other one, also of one device. */
  readonly sharesMount: (folder: string) => boolean;
  /**
   * Makes a reflink, which is a file of its own (with the mode of a copy), or a hardlink. False where that is refused:
   * another device, too many names for one inode.
   */
  link(from: string, to: string): boolean;
}

/** Probes once, by trying, which links work from one folder to the other. */
export function createLinker(fromFolder: string, toFolder: string): Linker {
  const reflinks = probe(fromFolder, toFolder, tryReflink);
  // One that can be written to by its other name is no object.
  const hardlinks = probe(fromFolder, toFolder, tryHardlink) && keepsModes(fromFolder);
  const umask = process.umask();
  return {
    type: reflinks ? 'reflink' : hardlinks ? 'hardlink' : 'copy',
    device: statSync(fromFolder).dev,
    sharesMount: (folder) => mountOf(folder) === mountOf(fromFolder),
    link(from, to) {
      if (!reflinks) return hardlinks && tryHardlink(from, to);
      if (!tryReflink(from, to)) return false;
      // It takes over the object's read-only mode.
      setMode(to, modeOfCopy('file', lstatSync(to).mode) & ~umask);
      return true;
    },
  };
}

function probe(
  fromFolder: string,
  toFolder: string,
  attempt: (from: string, to: string) => boolean,
): boolean {
  makeFolder(fromFolder);
  makeFolder(toFolder);
  const from = tempName(join(fromFolder, 'probe'));
  const to = tempName(join(toFolder, 'probe'));
  try {
    writeFileSync(from, 'probe', { flag: 'wx' });
    return attempt(from, to);
  } finally {
    rmSync(from, { force: true });
    rmSync(to, { force: true });
  }
}

function tryReflink(from: string, to: string): boolean {
  try {
    copyFileSync(from, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (isSystemError(error, 'EXDEV', 'EINVAL', 'ENOTTY', 'EPERM', ...UNSUPPORTED)) {
      rmSync(to, { force: true });
      return false;
    }
    throw error;
  }
}

function tryHardlink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    // EMLINK: the file system's limit of names for one inode (65,000 on ext4); EPERM: links forbidden there.
    if (isSystemError(error, 'EXDEV', 'EMLINK', 'EPERM', ...UNSUPPORTED)) return false;
    throw error;
  }
}
