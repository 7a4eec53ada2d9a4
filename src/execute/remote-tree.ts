import { algorithmOf, objectPath } from '../base/hash.ts';
import { corruptObject } from '../base/remote.ts';
import type { Remote } from '../base/remote.ts';
import type { ContentHash } from '../base/types.ts';
import type { Cache } from '../store/cache.ts';
import { hashManifest, parseManifest } from '../store/tree.ts';
import type { TreeEntry } from '../store/tree.ts';
import { readTree } from './facts.ts';
import { readWhole } from './read-source.ts';

/**
 * The entries of a directory, from the cache or else from a remote. What the remote gives does not enter the cache here:
 * of a directory that comes whole the manifest follows its files. Throws as `readTreeThere` does.
 */
export async function readRemoteTree(
  hash: ContentHash,
  { cache, remote, signal }: { readonly cache: Cache; readonly remote: Remote; readonly signal: AbortSignal },
): Promise<readonly TreeEntry[]> {
  return readTree(cache, hash) ?? readTreeThere(hash, remote, signal);
}

/** The entries of a directory as a remote has them. Throws `remote.object-missing`, `remote.corrupt` or `manifest.invalid`. */
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
