import { join } from 'node:path';
import { PipelineError, isSystemError } from '../base/error.ts';
import type { Artifact, ContentHash, HashAlgorithm, RelPath } from '../base/types.ts';
import type { Clock } from '../io/clock.ts';
import { hashFiles } from './hash-files.ts';
import type { FileToHash } from './hash-files.ts';
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
  observe(requests: readonly ObserveRequest[]): Promise<ReadonlyMap<RelPath, Observation>>;
}

export interface ObserverOptions {
  readonly root: string;
  readonly memo: Memo;
  readonly algorithm: HashAlgorithm;
  readonly clock: Clock;
}

interface Pending extends FileToHash {
  readonly file: WalkedFile;
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

  async function hashUnknown(
    files: readonly Pending[],
  ): Promise<ReadonlyMap<WalkedFile, ContentHash | Error>> {
    const found = new Map<WalkedFile, ContentHash | Error>();
    if (files.length === 0) return found;
    const seenAt = clock.now();
    const hashes = await hashFiles(files, algorithm);
    for (const [index, { file }] of files.entries()) {
      const hash = hashes[index] ?? new Error('not hashed');
      found.set(file, hash);
      if (typeof hash === 'string') memo.remember(file.stat, hash, { seenAt, object: false });
    }
    return found;
  }

  return {
    async observe(requests) {
      const looks = new Map<RelPath, Walked | PipelineError>();
      const known = new Map<WalkedFile, ContentHash>();
      const pending: Pending[] = [];
      for (const request of requests) {
        if (looks.has(request.path)) continue;
        const walked = look(request);
        looks.set(request.path, walked);
        if (walked instanceof PipelineError || walked.kind === 'missing') continue;
        for (const file of walked.files) {
          const hash = memo.lookup(file.stat, algorithm);
          if (hash !== undefined) known.set(file, hash);
          else pending.push({ path: pathOf(root, request.path, file), size: file.stat.size, file });
        }
      }
      const hashed = await hashUnknown(pending);
      const hashOf = (file: WalkedFile): ContentHash | Error =>
        known.get(file) ?? hashed.get(file) ?? new Error('not hashed');
      return new Map(
        [...looks].map(([path, walked]) => [path, toObservation(path, walked, { algorithm, hashOf })]),
      );
    },
  };
}

function pathOf(root: string, path: RelPath, file: WalkedFile): string {
  return file.relpath === '' ? join(root, path) : `${join(root, path)}/${file.relpath}`;
}

interface Hashing {
  readonly algorithm: HashAlgorithm;
  readonly hashOf: (file: WalkedFile) => ContentHash | Error;
}

function toObservation(
  path: RelPath,
  walked: Walked | PipelineError,
  { algorithm, hashOf }: Hashing,
): Observation {
  if (walked instanceof PipelineError) return { kind: 'refused', error: walked };
  if (walked.kind === 'missing') return { kind: 'missing' };
  if (walked.kind === 'file') {
    const [{ stat }] = walked.files;
    const hash = hashOf(walked.files[0]);
    if (typeof hash !== 'string') return { kind: 'refused', error: unreadable(path, hash) };
    const exec = (stat.mode & 0o100) !== 0;
    return { kind: 'file', artifact: { path, hash, kind: 'file', size: stat.size, ...(exec && { exec }) } };
  }
  const entries: TreeEntry[] = [];
  let size = 0;
  for (const file of walked.files) {
    const hash = hashOf(file);
    if (typeof hash !== 'string')
      return { kind: 'refused', error: unreadable(`${path}/${file.relpath}`, hash) };
    entries.push({ relpath: file.relpath, hash });
    size += file.stat.size;
  }
  const hash = hashManifest(formatManifest(entries, algorithm), algorithm);
  return { kind: 'tree', artifact: { path, hash, kind: 'tree', size, files: entries.length }, entries };
}

function unreadable(path: string, error: Error): PipelineError {
  const code = isSystemError(error) ? error.code : undefined;
  return new PipelineError('path.unreadable', `"${path}" cannot be read (${code ?? error.message})`, {
    hint: code === 'EACCES' ? 'give yourself the right to read it' : 'check the disk and the file',
    cause: error,
  });
}
