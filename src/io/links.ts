import { chmodSync, constants, copyFileSync, linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSystemError } from '../base/error.ts';
import { tempName } from './files.ts';

export type LinkType = 'reflink' | 'hardlink' | 'copy';

/** Makes workspace files out of cache objects (or the other way round) the cheapest way that is safe for them. */
export interface Linker {
  /** What `share` will try first between the two folders. */
  readonly type: LinkType;
  /** A file that may share its inode with the object: reflink, hardlink, copy. */
  share(from: string, to: string): LinkType;
  /** A file of its own that may be written to: reflink or copy, mode 0666 less the umask. */
  own(from: string, to: string): LinkType;
}

/** Probes once, by trying, which links work from one folder to the other. */
export function createLinker(fromFolder: string, toFolder: string): Linker {
  const reflinks = probe(fromFolder, toFolder, tryReflink);
  const hardlinks = probe(fromFolder, toFolder, tryHardlink);
  // A copy takes over the object's read-only mode.
  const writable = 0o666 & ~process.umask();
  const own = (from: string, to: string): LinkType => {
    const reflinked = reflinks && tryReflink(from, to);
    if (!reflinked) copyFileSync(from, to, constants.COPYFILE_EXCL);
    chmodSync(to, writable);
    return reflinked ? 'reflink' : 'copy';
  };
  return {
    type: reflinks ? 'reflink' : hardlinks ? 'hardlink' : 'copy',
    own,
    share: (from, to) => (!reflinks && hardlinks && tryHardlink(from, to) ? 'hardlink' : own(from, to)),
  };
}

function probe(
  fromFolder: string,
  toFolder: string,
  attempt: (from: string, to: string) => boolean,
): boolean {
  mkdirSync(fromFolder, { recursive: true });
  mkdirSync(toFolder, { recursive: true });
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
    if (isSystemError(error, 'ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EINVAL', 'ENOSYS', 'ENOTTY')) {
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
    if (isSystemError(error, 'EXDEV', 'EMLINK', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP')) return false;
    throw error;
  }
}
