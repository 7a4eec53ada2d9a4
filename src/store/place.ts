import { lstatSync } from 'node:fs';
import { EXIT, PipelineError } from '../base/error.ts';
import { foldedTwins } from '../base/path.ts';
import type { SizedObject } from '../base/remote.ts';
import type { Artifact } from '../base/types.ts';
import { copyFiles } from '../io/copy-files.ts';
import { makeFolder } from '../io/files.ts';
import { readersOf, setMode } from '../io/modes.ts';
import type { FileLook } from '../io/hash-file.ts';
import { HAVE_AGAIN } from './cache.ts';
import type { Cache } from './cache.ts';
import { copyHashed } from './copy-hashed.ts';
import type { TreeEntry } from './tree.ts';

export interface PlaceOptions {
  /** Where to build it: a path that does not exist, on the out's own device. */
  readonly to: string;
  /** `own` for data, persist and uncached outs: never one inode with the object. */
  readonly sharing: 'share' | 'own';
  /** True when the file system takes `A` and `a`, or two Unicode forms, for one name. */
  readonly folds: boolean;
}

/**
 * Makes an artifact's files out of the cache at a fresh place. Every object is known good before it is linked, and
 * hashed while it is copied. Throws `object.missing` naming the artifact when the cache cannot give all of it.
 */
export async function place(cache: Cache, artifact: Artifact, options: PlaceOptions): Promise<void> {
  const entries: readonly TreeEntry[] =
    artifact.kind === 'tree' ? cache.readTree(artifact.hash) : [{ relpath: '', hash: artifact.hash }];
  if (options.folds) refuseTwins(artifact, entries);
  const { missing, corrupt, sizes } = await cache.check(entries.map((entry) => entry.hash));
  const lost = missing.size + corrupt.size;
  if (lost > 0) throw incomplete(artifact, lost);
  if (artifact.kind === 'tree') makeFolder(options.to);
  const own = options.sharing === 'own' || artifact.exec === true;
  const toCopy: ToCopy[] = [];
  const done = new Map<ToCopy, FileLook>();
  // Entries are sorted: files of one folder stand together, mostly.
  let folder = options.to;
  for (const { relpath, hash } of entries) {
    const to = relpath === '' ? options.to : `${options.to}/${relpath}`;
    const above = to.slice(0, to.lastIndexOf('/'));
    if (relpath !== '' && above !== folder) makeFolder((folder = above));
    const linker = cache.linker();
    const isReflink = linker.type === 'reflink';
    const isLinked = (!own || isReflink) && linker.link(cache.pathOf(hash), to);
    if (isLinked && !isReflink) continue;
    const file = { hash, size: sizes.get(hash) ?? 0, to };
    if (isLinked) done.set(file, lstatSync(to));
    else toCopy.push(file);
  }
  await copyAll(cache, toCopy, done);
  rememberCopies(cache, done);
  if (artifact.exec !== true) return;
  setMode(options.to, readersOf(lstatSync(options.to).mode) & ~process.umask());
}

interface ToCopy extends SizedObject {
  readonly to: string;
}

/** Many small files by threads, the others one by one. */
async function copyAll(cache: Cache, files: readonly ToCopy[], done: Map<ToCopy, FileLook>): Promise<void> {
  await copyFiles(files, {
    rights: 'file',
    fileOf: ({ hash }) => cache.pathOf(hash),
    targetOf: ({ to }) => to,
    copied(some) {
      for (const { of: file, look } of some) done.set(file, look);
    },
  });
  for (const file of files) if (!done.has(file)) done.set(file, await copyOne(cache, file));
}

function copyOne(cache: Cache, { hash, to }: ToCopy): Promise<FileLook> {
  return copyHashed(cache.pathOf(hash), to, { hash, rights: 'file', mismatch: () => cache.discard(hash) });
}

/** Nobody but us has been where the copies are made, so a copy that has been quiet for long enough needs no look at its bytes. */
function rememberCopies({ memo, clock }: Cache, copies: ReadonlyMap<ToCopy, FileLook>): void {
  const seenAt = clock.now();
  for (const [{ hash, to }, look] of copies) memo.remember(() => to, look, hash, { seenAt, object: false });
}

function refuseTwins(artifact: Artifact, entries: readonly TreeEntry[]): void {
  const twins = foldedTwins(entries.map((entry) => entry.relpath));
  if (!twins) return;
  throw new PipelineError(
    'path.twins',
    `"${artifact.path}" holds "${twins[0]}" and "${twins[1]}", one name on this file system`,
    {
      exit: EXIT.failed,
      hint: 'check out on a file system that keeps case and Unicode forms apart, or rename one where it is made',
    },
  );
}

function incomplete(artifact: Artifact, lost: number): PipelineError {
  return new PipelineError('object.missing', `the cache lacks ${lost} of the objects of "${artifact.path}"`, {
    exit: EXIT.failed,
    hint: HAVE_AGAIN,
  });
}
