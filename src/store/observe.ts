import { join } from 'node:path';
import { PipelineError, isSystemError } from '../base/error.ts';
import type { Artifact, ContentHash, HashAlgorithm, RelPath } from '../base/types.ts';
import type { Clock } from '../io/clock.ts';
import { hashFiles } from './hash-files.ts';
import type { Memo } from './memo.ts';
import { formatManifest, hashManifest } from './tree.ts';
import type { TreeEntry } from './tree.ts';
import { walk } from './walk.ts';
import type { LinkPolicy, Walked, WalkedFile } from './walk.ts';

/** What is on disk at a path; of a folder also its entries. */
export type Observation =
  | { readonly kind: 'missing' }
  | { readonly kind: 'file'; readonly artifact: Artifact }
  | { readonly kind: 'tree'; readonly artifact: Artifact; readonly entries: readonly TreeEntry[] }
  /** It cannot be an artifact: a link, a FIFO, an unreadable file. */
  | { readonly kind: 'refused'; readonly error: PipelineError };

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

/** What stands at a path and the hashes of its files, as far as the memo knows them. */
interface Looked {
  readonly path: RelPath;
  readonly walked: Exclude<Walked, { readonly kind: 'missing' }>;
  readonly hashes: (ContentHash | Error | undefined)[];
}

/** Looks at the workspace through the memo. `root` may be a staging folder as well. */
export function createObserver({ root, memo, algorithm, clock }: ObserverOptions): Observer {
  function look({ path, links }: ObserveRequest): Walked | PipelineError {
    try {
      return walk(root, path, links);
    } catch (error) {
      if (error instanceof PipelineError) return error;
      if (isSystemError(error)) return unreadable(path, error);
      throw error;
    }
  }

  /** Hashes what the memo does not know, all together. */
  async function hashUnknown(looks: readonly Looked[]): Promise<void> {
    const unknown = looks.flatMap((look) =>
      look.walked.files.flatMap((file, index) =>
        look.hashes[index] === undefined
          ? [{ look, index, file, path: pathOf(root, look.path, file), size: file.stat.size }]
          : [],
      ),
    );
    const seenAt = clock.now();
    const hashes = await hashFiles(unknown, algorithm);
    for (const [at, { look, index, file }] of unknown.entries()) {
      const hash = hashes[at] ?? new Error('not hashed');
      look.hashes[index] = hash;
      if (typeof hash === 'string') memo.remember(file.stat, hash, { seenAt, object: false });
    }
  }

  return {
    async observe(requests) {
      const found = new Map<RelPath, Observation>();
      const incomplete: Looked[] = [];
      for (const request of requests) {
        const { path } = request;
        if (found.has(path)) continue;
        const walked = look(request);
        if (walked instanceof PipelineError) found.set(path, { kind: 'refused', error: walked });
        else if (walked.kind === 'missing') found.set(path, walked);
        else {
          const hashes = walked.files.map(({ stat }) => memo.lookup(stat, algorithm));
          const looked: Looked = { path, walked, hashes };
          const isKnown = !hashes.includes(undefined);
          if (!isKnown) incomplete.push(looked);
          // Its place among the others is kept; what is there is told below.
          found.set(path, isKnown ? toObservation(looked, algorithm) : MISSING);
        }
      }
      if (incomplete.length > 0) await hashUnknown(incomplete);
      for (const look of incomplete) found.set(look.path, toObservation(look, algorithm));
      return found;
    },
  };
}

function pathOf(root: string, path: RelPath, file: WalkedFile): string {
  return file.relpath === '' ? join(root, path) : `${join(root, path)}/${file.relpath}`;
}

function toObservation({ path, walked, hashes }: Looked, algorithm: HashAlgorithm): Observation {
  if (walked.kind === 'file') {
    const [{ stat }] = walked.files;
    const [hash] = hashes;
    if (typeof hash !== 'string') return { kind: 'refused', error: unreadable(path, hash) };
    const { size } = stat;
    const exec = (stat.mode & 0o100) !== 0;
    return {
      kind: 'file',
      artifact: exec ? { path, hash, kind: 'file', size, exec } : { path, hash, kind: 'file', size },
    };
  }
  const entries: TreeEntry[] = [];
  let size = 0;
  for (const [index, { relpath, stat }] of walked.files.entries()) {
    const hash = hashes[index];
    if (typeof hash !== 'string') return { kind: 'refused', error: unreadable(`${path}/${relpath}`, hash) };
    entries.push({ relpath, hash });
    size += stat.size;
  }
  const hash = hashManifest(formatManifest(entries, algorithm), algorithm);
  return { kind: 'tree', artifact: { path, hash, kind: 'tree', size, files: entries.length }, entries };
}

const MISSING: Observation = { kind: 'missing' };

function unreadable(path: string, error = new Error('not hashed')): PipelineError {
  const code = isSystemError(error) ? error.code : undefined;
  return new PipelineError('path.unreadable', `"${path}" cannot be read (${code ?? error.message})`, {
    hint: code === 'EACCES' ? 'give yourself the right to read it' : 'check the disk and the file',
    cause: error,
  });
}
