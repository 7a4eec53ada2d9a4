import { PipelineError, isSystemError } from '../base/error.ts';
import { algorithmOf, objectPath } from '../base/hash.ts';
import type { Remote } from '../base/remote.ts';
import type { Artifact, ContentHash } from '../base/types.ts';
import { readTree } from '../execute/facts.ts';
import type { Cache } from '../store/cache.ts';
import { runPool } from './pool.ts';

/** Asking for a few objects by name is cheaper than listing a remote that may hold millions. */
const FEW = 8;

/** What a remote has of what was asked for: object → size. */
export type Presence = ReadonlyMap<ContentHash, number>;

/**
 * Finds which objects a remote has: by a listing per algorithm, or by one request each where they are few. A listing goes on
 * for no more pages than that would take: there may be millions of objects of others.
 */
export async function findPresent(
  remote: Remote,
  wanted: ReadonlySet<ContentHash>,
  signal: AbortSignal,
): Promise<Presence> {
  const present = new Map<ContentHash, number>();
  const { concurrency, listless, page } = remote.limits;
  async function askEach(hashes: ReadonlySet<ContentHash>): Promise<Presence> {
    await runPool([...hashes], concurrency, async (hash) => {
      const head = await remote.head(objectPath(hash), signal);
      if (head) present.set(hash, head.size);
    });
    return present;
  }
  if (wanted.size <= FEW || listless === true) return askEach(wanted);
  const sizes = askSizes(remote, wanted);
  if (sizes) return sizes;
  const byKey = new Map([...wanted].map((hash) => [objectPath(hash), hash]));
  let left = page === undefined ? Infinity : page * Math.ceil(wanted.size / concurrency);
  for (const algorithm of new Set([...wanted].map(algorithmOf))) {
    for await (const { key, size } of remote.list(`files/${algorithm}/`, signal)) {
      const hash = byKey.get(key);
      if (hash !== undefined) present.set(hash, size);
      if (present.size === wanted.size) return present;
      if (--left === 0) return askEach(wanted.difference(present));
    }
  }
  return present;
}

/** What goes wrong here goes wrong in a listing too, which tries again and says why. */
function askSizes(remote: Remote, hashes: Iterable<ContentHash>): Presence | undefined {
  try {
    return remote.sizesOf?.(hashes);
  } catch (error) {
    if (error instanceof PipelineError || isSystemError(error)) return undefined;
    throw error;
  }
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
    if (!entries) {
      unknown.push(artifact);
      continue;
    }
    const own = entries.map(({ hash }) => hash);
    trees.set(artifact.hash, own);
    for (const hash of own) files.add(hash);
  }
  return { objects: { files, trees }, unknown };
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
