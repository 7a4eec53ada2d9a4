import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { isSystemError } from '../../base/error.ts';
import { formatBytes, formatCount } from '../../base/text.ts';
import { foldsForms, foldsNames } from '../../io/folding.ts';
import { createLinker } from '../../io/links.ts';
import type { LinkType } from '../../io/links.ts';
import { keepsModes } from '../../io/modes.ts';
import { makeStateDir } from '../../ground.ts';
import type { Check } from './check.ts';

const GIB = 1024 ** 3;
const FEW_FILES = 10_000;

/** The file system below a project: room, links between cache and workspace, rights, and which names it takes for one. */
export function* checkDisk(root: string): Generator<Check> {
  const stateDir = join(root, '.lockstep');
  try {
    makeStateDir(stateDir);
    const { bavail, bsize, files, ffree } = statfsSync(stateDir);
    // Some file systems make inodes as they go and count none.
    yield judgeSpace(bavail * bsize, files > 0 ? ffree : undefined);
    yield judgeLinks(createLinker(join(stateDir, 'files'), join(stateDir, 'staging')).type);
    yield judgeRights(keepsModes(stateDir));
    const folds = [foldsNames(stateDir) && 'case', foldsForms(stateDir) && 'Unicode form'];
    yield judgeNames(folds.filter((what) => what !== false));
  } catch (error) {
    if (!isSystemError(error)) throw error;
    yield {
      check: 'disk',
      status: 'fail',
      message: `${stateDir} cannot be written to (${error.code})`,
      cure: 'give yourself the right to it, or work in a copy that is yours',
    };
  }
}

/** `size`: bytes that are free for this user; `files`: how many more files there may be, if there is a limit. */
export function judgeSpace(size: number, files: number | undefined): Check {
  const room = `${formatBytes(size)} free${files === undefined ? '' : `, room for ${formatCount(files)} files`}`;
  const tight = size < GIB || (files !== undefined && files < FEW_FILES);
  if (!tight) return { check: 'space', status: 'ok', message: room };
  const full = size < GIB / 20 || files === 0;
  return {
    check: 'space',
    status: full ? 'fail' : 'warn',
    message: room,
    cure: 'make room; "lockstep gc" says what it could remove, "lockstep gc --delete" does it',
  };
}

/** How cache objects become workspace files. */
export function judgeLinks(type: LinkType): Check {
  switch (type) {
    case 'reflink':
      return {
        check: 'links',
        status: 'ok',
        message: 'reflinks: cache and workspace share bytes, and both may be written to',
      };
    case 'hardlink':
      return {
        check: 'links',
        status: 'ok',
        message: 'hard links: cache and workspace share bytes; outs are read-only',
      };
    case 'copy':
      return {
        check: 'links',
        status: 'warn',
        message:
          'neither reflinks nor hard links can be used here: each out is copied and takes its space twice',
        cure: 'move the project to a file system that has them (btrfs, XFS, APFS, ext4; not FAT or some shares)',
      };
    default:
      return type satisfies never;
  }
}

/** Whether a mode that a file is given stays. */
export function judgeRights(areKept: boolean): Check {
  if (areKept) return { check: 'rights', status: 'ok', message: 'files have the rights that they are given' };
  return {
    check: 'rights',
    status: 'warn',
    message:
      'files keep no rights here: nothing guards the cache against being written to by mistake, which is noticed when it is used',
    cure: 'move the project to a file system that has them (not FAT or some shares)',
  };
}

/** `folds`: what two names may differ in and yet be one file. */
export function judgeNames(folds: readonly string[]): Check {
  return {
    check: 'names',
    status: 'ok',
    message:
      folds.length === 0
        ? 'names that differ in case or Unicode form are different files'
        : `names that differ in ${folds.join(' or ')} only are one file here; folders that hold both are refused`,
  };
}
