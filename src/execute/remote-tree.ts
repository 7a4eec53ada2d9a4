import { PipelineError } from '../base/error.ts';
import { algorithmOf, hashBytes, objectPath, withoutDir } from '../base/hash.ts';
import { corruptObject } from '../base/remote.ts';
import type { Remote } from '../base/remote.ts';
import type { ContentHash } from '../base/types.ts';
import type { Cache } from '../store/cache.ts';
import { parseManifest } from '../store/tree.ts';
import type { TreeEntry } from '../store/tree.ts';
import { readSource } from './read-source.ts';

/**
 * The entries of a directory, from the cache or else from a remote. What the remote gives does not enter the cache here:
 * of a directory that comes whole the manifest follows its files. Throws `remote.object-missing`, `remote.corrupt` or `manifest.invalid`.
 */
export async function readRemoteTree(
  hash: ContentHash,
  { cache, remote, signal }: { readonly cache: Cache; readonly remote: Remote; readonly signal: AbortSignal },
): Promise<readonly TreeEntry[]> {
  if (cache.has(hash)) {
    try {
      return cache.readTree(hash);
    } catch (error) {
      // A damaged manifest has left the cache.
      if (!(error instanceof PipelineError)) throw error;
    }
  }
  const source = await remote.get(objectPath(hash), signal);
  const bytes = Buffer.concat(await Array.fromAsync(readSource(source, signal)));
  const algorithm = algorithmOf(hash);
  if (hashBytes(algorithm, bytes) === withoutDir(hash)) return parseManifest(bytes, algorithm);
  throw corruptObject(hash);
}
