import { algorithmOf, digestOf } from '../base/hash.ts';
import type { ContentHash } from '../base/types.ts';
import { readFolder } from '../io/files.ts';

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
  const byFolder = Map.groupBy(
    new Set(hashes),
    (hash) => `files/${algorithmOf(hash)}/${digestOf(hash).slice(0, 2)}`,
  );
  const lacking = new Set<ContentHash>();
  let expected = NAMES_PER_QUESTION;
  for (const [folder, asked] of byFolder) {
    if (asked.length * NAMES_PER_QUESTION < expected) {
      for (const hash of asked) if (!has(hash)) lacking.add(hash);
      continue;
    }
    const entries = readFolder(`${dir}/${folder}`);
    expected = entries.length;
    const names = new Set<string>();
    for (const entry of entries) if (entry.isFile()) names.add(entry.name);
    for (const hash of asked) if (!names.has(digestOf(hash).slice(2))) lacking.add(hash);
  }
  return lacking;
}
