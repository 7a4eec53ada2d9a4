import { lstatSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, PipelineError } from '../base/error.ts';
import { ALGORITHMS, algorithmOf, hashBytes, isTreeHash, parseObjectPath, withoutDir } from '../base/hash.ts';
import type { Artifact, ContentHash } from '../base/types.ts';
import { readFolder, readIfExists } from '../io/files.ts';
import type { Cache } from './cache.ts';
import { parseManifest } from './tree.ts';
import type { TreeEntry } from './tree.ts';

export interface Garbage {
  readonly hash: ContentHash;
  readonly size: number;
}

/** What no root reaches, and which roots reach nothing because their manifests are not here. */
export interface Findings {
  /** Manifests first: what refers goes before what it refers to. */
  readonly garbage: readonly Garbage[];
  readonly unlisted: readonly Artifact[];
}

/** Looks for garbage. Throws `gc.damaged` where a manifest is there and cannot be read: its files would count as garbage. */
export function findGarbage(cache: Cache, roots: Iterable<Artifact>): Findings {
  const reached = new Set<ContentHash>();
  const unlisted: Artifact[] = [];
  for (const root of roots) {
    if (reached.has(root.hash)) continue;
    reached.add(root.hash);
    if (root.kind === 'file') continue;
    const files = filesOf(cache, root);
    if (!files) unlisted.push(root);
    else for (const { hash } of files) reached.add(hash);
  }
  const garbage: Garbage[] = [];
  for (const hash of listObjects(cache)) {
    if (!reached.has(hash))
      garbage.push({ hash, size: lstatSync(cache.pathOf(hash), { throwIfNoEntry: false })?.size ?? 0 });
  }
  garbage.sort((a, b) => Number(isTreeHash(b.hash)) - Number(isTreeHash(a.hash)));
  return { garbage, unlisted };
}

/** A damaged manifest is left where it is: taken out it would only be one that is not here. */
function filesOf(cache: Cache, { hash, path }: Artifact): readonly TreeEntry[] | undefined {
  const bytes = readIfExists(cache.pathOf(hash));
  if (!bytes) return undefined;
  try {
    if (hashBytes(algorithmOf(hash), bytes) === withoutDir(hash))
      return parseManifest(bytes, algorithmOf(hash));
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error;
  }
  throw new PipelineError(
    'gc.damaged',
    `the list of files of "${path}" is damaged, so nobody knows which objects are its own; nothing was removed`,
    { exit: EXIT.failed, hint: 'run "lockstep verify --read-data", which says how it can be had again' },
  );
}

/** Takes an object out of the cache. */
export function removeObject(cache: Cache, hash: ContentHash): void {
  const path = cache.pathOf(hash);
  const stat = lstatSync(path, { throwIfNoEntry: false });
  rmSync(path, { force: true });
  // An out may be another name of it.
  if (stat?.nlink === 1) cache.memo.forget(() => path, stat);
}

/** Every object of the cache, by name. */
export function* listObjects(cache: Cache): Generator<ContentHash> {
  for (const algorithm of ALGORITHMS) {
    for (const folder of readFolder(join(cache.dir, 'files', algorithm))) {
      for (const file of readFolder(join(cache.dir, 'files', algorithm, folder.name))) {
        const hash = parseObjectPath(`files/${algorithm}/${folder.name}/${file.name}`);
        if (hash !== undefined) yield hash;
      }
    }
  }
}
