import { algorithmOf, digestOf } from '../base/hash.ts';
import type { ContentHash } from '../base/types.ts';
import { readNames } from '../io/files.ts';

/** A folder is listed when at most so many names are expected in it for each one that is asked for. */
const NAMES_PER_QUESTION = 6;

/**
 * Those of the names for which a cache has no object. Names are spread evenly over 256 folders, so what one folder holds
 * tells how many the others hold: listing them costs a sixth of asking for each name, unless the cache is much larger
 * than what is asked for.
 */
export function findLacking(
  dir: string,
  hashes: Iterable<ContentHash>,
  has: (hash: ContentHash) => boolean,
): ReadonlySet<ContentHash> {
  const lacking = new Set(hashes);
  // `sha256:ab`, the folder; the rest is a name in it.
  const folders = Map.groupBy(lacking, (hash) => hash.slice(0, hash.indexOf(':') + 3));
  // Before one is listed, a folder is taken for well filled.
  let expected = 2 * NAMES_PER_QUESTION;
  for (const [folder, asked] of folders) {
    if (asked.length * NAMES_PER_QUESTION < expected) {
      for (const hash of asked) if (has(hash)) lacking.delete(hash);
      continue;
    }
    const names = readNames(
      `${dir}/files/${algorithmOf(folder as ContentHash)}/${digestOf(folder as ContentHash)}`,
    );
    expected = names.length;
    for (const name of names) lacking.delete((folder + name) as ContentHash);
  }
  return lacking;
}
