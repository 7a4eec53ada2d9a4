import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { PipelineError, isSystemError } from '../base/error.ts';
import type { Artifact, ContentHash, HashAlgorithm, RelPath } from '../base/types.ts';
import type { Clock } from '../io/clock.ts';
import { hashFiles } from './hash-files.ts';
import type { FileToHash } from './hash-files.ts';
import { createLister, entriesOf } from './listing.ts';
import type { Known, Lister, Listing, Unknown } from './listing.ts';
import type { Memo } from './memo.ts';
import type { TreeEntry } from './tree.ts';
import { walk } from './walk.ts';
import type { LinkPolicy } from './walk.ts';

/** What is on disk at a path. */
export type Observation =
  | { readonly kind: 'missing' }
  | { readonly kind: 'file'; readonly artifact: Artifact; readonly known: Known }
  | ObservedTree
  /** It cannot be an artifact: a link, a FIFO, an unreadable file. */
  | { readonly kind: 'refused'; readonly error: PipelineError };

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
}

export interface Observer {
  /** Observes many paths; files that look as they did cost one stat, the others are hashed together. */
  observe(requests: readonly ObserveRequest[]): Promise<Map<RelPath, Observation>>;
}

export interface ObserverOptions {
  readonly root: string;
  readonly memo: Memo;
  readonly algorithm: HashAlgorithm;
  readonly clock: Clock;
}

/** What stands at a path, with the hashes that the memo knows. */
type Found =
  | {
      readonly kind: 'file';
      readonly stat: Stats;
      readonly hash: ContentHash | undefined;
      readonly known: Known;
      readonly unknown: Unknown;
    }
  | { readonly kind: 'tree'; readonly lister: Lister; readonly unknown: Unknown };

type Look = Found | Extract<Observation, { readonly kind: 'missing' | 'refused' }>;

/** Looks at the workspace through the memo. `root` may be a staging folder as well. */
export function createObserver({ root, memo, algorithm, clock }: ObserverOptions): Observer {
  function look({ path, links }: ObserveRequest): Look {
    let lister: Lister | undefined;
    let file: Stats | undefined;
    try {
      const kind = walk(root, path, {
        links,
        visit(prefix, name, stat) {
          if (name === '') file = stat;
          else (lister ??= createLister(memo, algorithm)).add(prefix, name, stat);
        },
      });
      if (kind === 'missing') return MISSING;
      if (!file) {
        lister ??= createLister(memo, algorithm);
        return { kind: 'tree', lister, unknown: lister.unknown };
      }
      return lookAtFile(file);
    } catch (error) {
      if (error instanceof PipelineError) return { kind: 'refused', error };
      if (isSystemError(error)) return { kind: 'refused', error: unreadable(path, error) };
      throw error;
    }
  }

  function lookAtFile(stat: Stats): Found {
    const row = memo.find(stat, algorithm);
    if (row < 0)
      return {
        kind: 'file',
        stat,
        hash: undefined,
        known: 'hashed',
        unknown: { count: 1, relpathOf: () => '', lookOf: () => stat },
      };
    const known = memo.isObject(row) ? 'object' : 'memo';
    return { kind: 'file', stat, hash: memo.hashOf(row), known, unknown: NONE };
  }

  /** Hashes of what the memo does not know, those of each look in its own order. */
  async function hashUnknown(looks: readonly Incomplete[]): Promise<readonly Hashes[]> {
    const files: FileToHash[] = [];
    for (const { path, seen } of looks)
      for (let at = 0; at < seen.unknown.count; at++)
        files.push({
          path: pathOf(root, path, seen.unknown.relpathOf(at)),
          size: seen.unknown.lookOf(at).size,
        });
    const seenAt = clock.now();
    const hashes = await hashFiles(files, algorithm);
    let from = 0;
    return looks.map(({ seen: { unknown } }) => {
      const mine = hashes.slice(from, (from += unknown.count));
      for (const [at, hash] of mine.entries())
        if (typeof hash === 'string') memo.remember(unknown.lookOf(at), hash, { seenAt, object: false });
      return mine;
    });
  }

  function toObservation(path: RelPath, seen: Found, hashes: Hashes): Observation {
    const { kind, unknown } = seen;
    for (const [index, hash] of hashes.entries()) {
      if (typeof hash === 'string') continue;
      const relpath = unknown.relpathOf(index);
      return { kind: 'refused', error: unreadable(relpath === '' ? path : `${path}/${relpath}`, hash) };
    }
    if (kind === 'tree') {
      const listing = seen.lister.end(hashes as readonly ContentHash[]);
      const { hash, size, count } = listing;
      return toTree({ path, hash, kind, size, files: count }, () => entriesOf(listing), listing);
    }
    const { stat, known, hash = hashes[0] as ContentHash } = seen;
    const exec = (stat.mode & 0o100) !== 0;
    return { kind, artifact: { path, hash, kind, size: stat.size, ...(exec && { exec }) }, known };
  }

  return {
    async observe(requests) {
      const found = new Map<RelPath, Observation>();
      const incomplete: Incomplete[] = [];
      for (const request of requests) {
        const { path } = request;
        if (found.has(path)) continue;
        const seen = look(request);
        if (!('unknown' in seen)) found.set(path, seen);
        else if (seen.unknown.count === 0) found.set(path, toObservation(path, seen, []));
        else {
          incomplete.push({ path, seen });
          // Its place among the others is kept; what is there is told below.
          found.set(path, MISSING);
        }
      }
      if (incomplete.length === 0) return found;
      const hashes = await hashUnknown(incomplete);
      for (const [index, { path, seen }] of incomplete.entries())
        found.set(path, toObservation(path, seen, hashes[index] ?? []));
      return found;
    },
  };
}

/** A look that is no observation before its unknown files are hashed. */
interface Incomplete {
  readonly path: RelPath;
  readonly seen: Found;
}

const MISSING = { kind: 'missing' } as const;
const NONE: Unknown = {
  count: 0,
  relpathOf: () => '',
  lookOf() {
    throw new Error('every file is known');
  },
};

type Hashes = readonly (ContentHash | Error)[];

function pathOf(root: string, path: RelPath, relpath: string): string {
  return relpath === '' ? join(root, path) : `${join(root, path)}/${relpath}`;
}

function unreadable(path: string, error: Error): PipelineError {
  const code = isSystemError(error) ? error.code : undefined;
  return new PipelineError('path.unreadable', `"${path}" cannot be read (${code ?? error.message})`, {
    hint: code === 'EACCES' ? 'give yourself the right to read it' : 'check the disk and the file',
    cause: error,
  });
}
