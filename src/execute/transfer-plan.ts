import { PipelineError } from '../base/error.ts';
import { objectPath } from '../base/hash.ts';
import type { Remote } from '../base/remote.ts';
import type { Artifact, ContentHash, HashAlgorithm } from '../base/types.ts';
import type { Cache } from '../store/cache.ts';

/** Asking for a few objects by name is cheaper than listing a remote that may hold millions. */
const FEW = 8;

/** What a remote has: key → size. Only keys that were asked for need to be in it. */
export type Presence = ReadonlyMap<string, number>;

/** Finds which objects a remote has: one listing per algorithm, or one request each when they are few. */
export async function findPresent(
  remote: Remote,
  hashes: Iterable<ContentHash>,
  signal: AbortSignal,
): Promise<Presence> {
  const wanted = new Set([...hashes].map(objectPath));
  const present = new Map<string, number>();
  if (wanted.size <= FEW || remote.limits.listless === true) {
    await Promise.all(
      [...wanted].map(async (key) => {
        const head = await remote.head(key, signal);
        if (head) present.set(key, head.size);
      }),
    );
    return present;
  }
  const algorithms = new Set([...wanted].map((key) => key.split('/')[1] as HashAlgorithm));
  for (const algorithm of algorithms) {
    for await (const { key, size } of remote.list(`files/${algorithm}/`, signal))
      if (wanted.has(key)) present.set(key, size);
  }
  return present;
}

/** The file objects of artifacts, and their manifests; a manifest goes after the files it refers to. */
export interface Objects {
  readonly files: ReadonlySet<ContentHash>;
  /** Manifest → the files it names. */
  readonly trees: ReadonlyMap<ContentHash, readonly ContentHash[]>;
}

/** What of an artifact says which objects it needs. */
export type Wanted = Pick<Artifact, 'path' | 'hash' | 'kind'>;

/** Collects the objects of artifacts whose manifests the cache has whole; the other artifacts are given back. */
export function collectObjects<T extends Wanted>(
  cache: Cache,
  artifacts: Iterable<T>,
): { readonly objects: Objects; readonly unknown: readonly T[] } {
  const files = new Set<ContentHash>();
  const trees = new Map<ContentHash, readonly ContentHash[]>();
  const unknown: T[] = [];
  for (const artifact of artifacts) {
    if (artifact.kind === 'file') {
      files.add(artifact.hash);
      continue;
    }
    const entries = readTree(cache, artifact.hash);
    if (!entries) unknown.push(artifact);
    else {
      trees.set(artifact.hash, entries);
      for (const hash of entries) files.add(hash);
    }
  }
  return { objects: { files, trees }, unknown };
}

/** A damaged manifest leaves the cache when it is read; from then on it is one that the cache does not have. */
function readTree(cache: Cache, tree: ContentHash): readonly ContentHash[] | undefined {
  if (!cache.has(tree)) return undefined;
  try {
    return cache.readTree(tree).map((entry) => entry.hash);
  } catch (error) {
    if (error instanceof PipelineError) return undefined;
    throw error;
  }
}

/** True for what is wrong with one object; other failures of a transfer concern the remote and so all objects. */
export function concernsOneObject(error: unknown): error is PipelineError {
  return (
    error instanceof PipelineError &&
    (['remote.corrupt', 'remote.object-missing', 'transfer.changed'].includes(error.code) ||
      error.code.startsWith('object.') ||
      error.code.startsWith('manifest.'))
  );
}
