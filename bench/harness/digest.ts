import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { hashInWorkers } from './hash-in-workers.ts';

/** Paths of all files below a folder, in no promised order. */
export function listFiles(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? listFiles(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}

/**
 * Number of the different contents of files below a folder and one hash over them, whatever the files are called: so a
 * workspace, a cache and a remote that hold the same bytes say the same. Directory manifests (`….dir`) and hidden files do
 * not count.
 */
export async function digestFolder(folder: string): Promise<string> {
  const hashes = await hashInWorkers(listFiles(folder).filter((path) => !/\.dir$|\/\.[^/]*$/.test(path)));
  const digest = createHash('sha256')
    .update([...new Set(hashes)].sort().join('\n'))
    .digest('hex');
  return `${new Set(hashes).size} contents ${digest.slice(0, 12)}`;
}

/** Number of the files below a folder that are no manifests and not hidden. */
export function countFiles(folder: string): string {
  return `${listFiles(folder).filter((path) => !/\.dir$|\/\.[^/]*$/.test(path)).length} files`;
}
