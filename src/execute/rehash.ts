import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { algorithmOf } from '../base/hash.ts';
import type { HashAlgorithm } from '../base/types.ts';
import { hashFiles } from '../store/hash-files.ts';
import type { TreeEntry } from '../store/tree.ts';

/**
 * The entries of a folder as another algorithm names their bytes, in the same order; unchanged when it is the one they
 * have. A file that cannot be read any more keeps its hash.
 */
export async function rehashEntries(
  folder: string,
  entries: readonly TreeEntry[],
  algorithm: HashAlgorithm,
): Promise<readonly TreeEntry[]> {
  if (entries.every(({ hash }) => algorithmOf(hash) === algorithm)) return entries;
  const files = entries.map(({ relpath }) => {
    const path = join(folder, relpath);
    return { path, size: lstatSync(path, { throwIfNoEntry: false })?.size ?? 0 };
  });
  const hashes = await hashFiles(files, algorithm);
  return entries.map((entry, index) => {
    const hash = hashes[index];
    return typeof hash === 'string' ? { ...entry, hash } : entry;
  });
}
