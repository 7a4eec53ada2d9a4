import { algorithmOf, folderKey } from '../base/hash.ts';
import type { ContentHash, HashAlgorithm } from '../base/types.ts';
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
  const lacking = new Set<ContentHash>();
  const folders = Map.groupBy(hashes, folderKey);
  const present = new Map<HashAlgorithm, ReadonlySet<string>>();
  // Before one is listed, a folder is taken for well filled.
  let expected = 2 * NAMES_PER_QUESTION;
  for (const [folder, asked] of folders) {
    let isThere = has;
    if (asked.length * NAMES_PER_QUESTION >= expected) {
      const algorithm = algorithmOf(folder as ContentHash);
      const above = `${dir}/files/${algorithm}`;
      const digits = folder.slice(-2);
      let there = present.get(algorithm);
      if (!there) present.set(algorithm, (there = new Set(readNames(above))));
      const names = new Set(there.has(digits) ? readNames(`${above}/${digits}`) : []);
      expected = names.size;
      isThere = (hash) => names.has(hash.slice(folder.length));
    }
    for (const hash of asked) if (!isThere(hash)) lacking.add(hash);
  }
  return lacking;
}
