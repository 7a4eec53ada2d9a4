import { statfsSync } from 'node:fs';
import { isSystemError } from '../base/error.ts';

/** What Linux calls the file systems that write down which number a file has. */
const KEEPERS: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // XFS
  0x9123683e, // Btrfs
  0x2fc12fc1, // ZFS
  0xf2f52010, // F2FS
  0xca451a4e, // bcachefs
  0x01021994, // tmpfs
  0x794c7630, // overlayfs
  0x6969, // NFS
  0x00c36400, // Ceph
  0x0bd00bd0, // Lustre
]);

/**
 * Whether the file system at a path is known to keep inode numbers. FAT, exFAT and most of what is mounted through FUSE make one up when a
 * file is asked for: after the next mount, or when memory was short, it is another file's.
 */
export function keepsInodeNumbers(path: string): boolean {
  if (process.platform !== 'linux') return false;
  try {
    return KEEPERS.has(statfsSync(path).type);
  } catch (error) {
    if (isSystemError(error)) return false;
    throw error;
  }
}
