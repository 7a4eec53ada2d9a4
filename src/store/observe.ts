import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { PipelineError, isSystemError } from '../base/error.ts';
import type { Artifact, HashAlgorithm, RelPath } from '../base/types.ts';
import type { Crew } from '../io/crew.ts';
import type { HashedFile, ReadyBytes } from '../io/hash-file.ts';
import type { Cache } from './cache.ts';
import { createHashing } from './hash-files.ts';
import type { Hashing, Keeper } from './hash-files.ts';
import { createLister, entriesOf } from './listing.ts';
import type { Known, Lister, Listing } from './listing.ts';
import type { TreeEntry } from './tree.ts';
import { walk } from './walk.ts';
import type { LinkPolicy } from './walk.ts';

/** What is on disk at a path. */
export type Observation =
  | { readonly kind: 'missing' }
  | ObservedFile
  | ObservedTree
  /** It cannot be an artifact: a link, a FIFO, an unreadable file. */
  | { readonly kind: 'refused'; readonly error: PipelineError };

export interface ObservedFile {
  readonly kind: 'file';
  readonly artifact: Artifact;
  readonly known: Known;
  /** As in `Listing.readyOf`. */
  readonly ready?: ReadyBytes;
}

/** A folder. */
export interface ObservedTree {
  readonly kind: 'tree';
  readonly artifact: Artifact;
  /** Its files; made when they are first asked for, because most commands need the folder's hash only. */
  readonly entries: readonly TreeEntry[];
  /** What a look found; absent for a folder that has just been put there out of the cache. */
  readonly listing?: Listing;
}

/** A folder with the given files, which are found when they are first asked for. */
export function toTree(
  artifact: Artifact,
  find: () => readonly TreeEntry[],
  listing?: Listing,
): ObservedTree {
  let found: readonly TreeEntry[] | undefined;
  return {
    kind: 'tree',
    artifact,
    get entries() {
      return (found ??= find());
    },
    ...(listing && { listing }),
  };
}

export interface ObserveRequest {
  readonly path: RelPath;
  readonly links: LinkPolicy;
  /** Files that must be hashed and are on this device are made read-only first; not one that can be executed. */
  readonly sealOn?: number;
  /** The recorded execute bit of a file, for where none can be seen. */
  readonly exec?: boolean;
}

export interface Observer {
  /** Observes many paths; files that look as they did cost one stat, the others are hashed together. */
  observe(requests: readonly ObserveRequest[]): Promise<Map<RelPath, Observation>>;
}

export interface ObserverOptions {
  readonly root: string;
  readonly cache: Pick<Cache, 'memo' | 'clock' | 'isExecutable'>;
  readonly algorithm: HashAlgorithm;
  /** Threads for hashing many files; absent, each look starts its own when it has seen all. */
  readonly crew?: Crew;
  /** The cache for which many files that must be hashed, and are not sealed, are copied on the way. */
  readonly keeper?: Keeper | undefined;
  /** As in `HashingOptions`. */
  readonly signal?: AbortSignal;
}

/** What stands at a path, with the hashes that the memo knows. */
type Found =
  | { readonly kind: 'file'; readonly stat: Stats; readonly row: number; readonly exec: boolean }
  | { readonly kind: 'tree'; readonly lister: Lister };

type Look = Found | Extract<Observation, { readonly kind: 'missing' | 'refused' }>;

/** A look, and how many of its files had to be hashed. */
interface Looked {
  readonly path: RelPath;
  readonly seen: Look;
  readonly unknown: number;
}

/** Path of the n-th file that the memo does not know. */
function pathIn({ path, seen }: Pick<Looked, 'path' | 'seen'>, at: number): string {
  return seen.kind === 'tree' ? `${path}/${seen.lister.unknownPath(at)}` : path;
}

/** Looks at the workspace through the memo. `root` may be a staging folder as well. */
export function createObserver(options: ObserverOptions): Observer {
  const { root, algorithm, crew, keeper, signal } = options;
  const { memo, clock, isExecutable } = options.cache;

  function look({ path, links, sealOn, exec = false }: ObserveRequest, hash: Hashing['add']): Look {
    let lister: Lister | undefined;
    let file: Found | undefined;
    const at = join(root, path);
    try {
      const isThere = walk(root, path, {
        links,
        visit(prefix, name, stat) {
          if (name === '') {
            const row = memo.find(() => at, stat, algorithm);
            const isExec = isExecutable(stat, exec);
            if (row < 0) hash(at, stat, stat.dev === sealOn && !isExec);
            file = { kind: 'file', stat, row, exec: isExec };
          } else if (!(lister ??= createLister(at, memo, algorithm)).add(prefix, name, stat))
            hash(`${at}/${prefix}${name}`, stat, stat.dev === sealOn);
        },
      });
      if (!isThere) return MISSING;
      return file ?? { kind: 'tree', lister: lister ?? createLister(at, memo, algorithm) };
    } catch (error) {
      if (error instanceof PipelineError) return { kind: 'refused', error };
      if (isSystemError(error)) return { kind: 'refused', error: unreadable(path, error) };
      throw error;
    }
  }

  function toObservation({ path, seen }: Looked, hashed: readonly (HashedFile | Error)[]): Observation {
    if (seen.kind === 'missing' || seen.kind === 'refused') return seen;
    for (const [at, file] of hashed.entries()) {
      if (!(file instanceof Error)) continue;
      return { kind: 'refused', error: unreadable(pathIn({ path, seen }, at), file) };
    }
    const good = hashed as readonly HashedFile[];
    if (seen.kind === 'file') return toFile(path, seen, good[0]);
    const listing = seen.lister.end(good);
    const { hash, size, count } = listing;
    return toTree({ path, hash, kind: 'tree', size, files: count }, () => entriesOf(listing), listing);
  }

  function toFile(
    path: RelPath,
    { stat, row, exec }: Extract<Found, { readonly kind: 'file' }>,
    hashed: HashedFile | undefined,
  ): ObservedFile {
    const artifact: Artifact = {
      path,
      hash: hashed?.hash ?? memo.hashOf(row),
      kind: 'file',
      size: hashed?.look.size ?? stat.size,
      ...(exec && { exec }),
    };
    if (!hashed) return { kind: 'file', artifact, known: memo.isObject(row) ? 'object' : 'memo' };
    return { kind: 'file', artifact, known: 'hashed', ...(hashed.ready && { ready: hashed.ready }) };
  }

  async function lookAll(requests: readonly ObserveRequest[]): Promise<Map<RelPath, Observation>> {
    const found = new Map<RelPath, Observation>();
    const seenAt = clock.now();
    const hashing = createHashing({ algorithm, crew, keeper, signal });
    const waiting: Looked[] = [];
    for (const request of requests) {
      const { path } = request;
      if (found.has(path)) continue;
      let unknown = 0;
      const seen = look(request, (...file) => {
        hashing.add(...file);
        unknown++;
      });
      if (unknown > 0) waiting.push({ path, seen, unknown });
      // One that waits keeps its place among the others; what is there is told below.
      found.set(path, unknown > 0 ? MISSING : toObservation({ path, seen, unknown }, []));
    }
    if (waiting.length === 0) return found;
    let hashed: (HashedFile | Error)[] = [];
    let next = 0;
    for await (const file of hashing.end()) {
      const looked = waiting[next];
      if (!looked) continue;
      const at = hashed.push(file) - 1;
      if (!(file instanceof Error))
        memo.remember(() => join(root, pathIn(looked, at)), file.look, file.hash, { seenAt, object: false });
      if (hashed.length < looked.unknown) continue;
      found.set(looked.path, toObservation(looked, hashed));
      hashed = [];
      next++;
    }
    return found;
  }

  return {
    async observe(requests) {
      const found = await lookAll(requests);
      // By then a folder may have been read for minutes: a temp file of an editor, say, that went away is no fault of it.
      const again = requests.filter(({ path }) => hasLost(found.get(path)));
      if (again.length > 0) for (const [path, one] of await lookAll(again)) found.set(path, one);
      return found;
    },
  };
}

/** True where something that was listed was gone when it was to be read. */
function hasLost(here: Observation | undefined): boolean {
  return here?.kind === 'refused' && isSystemError(here.error.cause, 'ENOENT');
}

const MISSING = { kind: 'missing' } as const;

function unreadable(path: string, error: Error): PipelineError {
  const code = isSystemError(error) ? error.code : undefined;
  return new PipelineError('path.unreadable', `"${path}" cannot be read (${code ?? error.message})`, {
    hint: code === 'EACCES' ? 'give yourself the right to read it' : 'check the disk and the file',
    cause: error,
  });
}
