import { algorithmOf, objectPath } from '../base/hash.ts';
import { corruptObject } from '../base/remote.ts';
import type { Remote } from '../base/remote.ts';
import type { ContentHash } from '../base/types.ts';
import { hashManifest, parseManifest } from '../store/tree.ts';
import type { TreeEntry } from '../store/tree.ts';
import { readWhole } from './read-source.ts';

/**
 * The entries of a directory as a remote has them. They do not enter the cache here: of a directory that comes whole the
 * manifest follows its files. Throws `remote.object-missing`, `remote.corrupt` or `manifest.invalid`.
 */
export async function readTreeThere(
  hash: ContentHash,
  remote: Remote,
  signal: AbortSignal,
): Promise<readonly TreeEntry[]> {
  const bytes = await readWhole(await remote.get(objectPath(hash), signal), signal);
  const algorithm = algorithmOf(hash);
  if (hashManifest(bytes, algorithm) === hash) return parseManifest(bytes, algorithm);
  throw corruptObject(hash);
}
