import { lstatSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PipelineError } from '../base/error.ts';
import { isTreeHash, parseObjectPath } from '../base/hash.ts';
import type { Artifact, ContentHash } from '../base/types.ts';
import { readFolder } from '../io/files.ts';
import type { Cache } from './cache.ts';

export interface Garbage {
  readonly hash: ContentHash;
  readonly size: number;
}

/** Objects that no root reaches, manifests first: what refers goes before what it refers to. */
export function findGarbage(cache: Cache, roots: Iterable<Artifact>): readonly Garbage[] {
  const reached = new Set<ContentHash>();
  for (const root of roots) {
    if (reached.has(root.hash)) continue;
    reached.add(root.hash);
    if (root.kind === 'tree') for (const hash of filesOf(cache, root.hash)) reached.add(hash);
  }
  const garbage: Garbage[] = [];
  for (const hash of listObjects(cache)) {
    if (!reached.has(hash))
      garbage.push({ hash, size: lstatSync(cache.pathOf(hash), { throwIfNoEntry: false })?.size ?? 0 });
  }
  return garbage.sort((a, b) => Number(isTreeHash(b.hash)) - Number(isTreeHash(a.hash)));
}

/** Takes objects out of the cache. */
export function removeGarbage(cache: Cache, garbage: readonly Garbage[]): void {
  for (const { hash } of garbage) {
    const path = cache.pathOf(hash);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    rmSync(path, { force: true });
    // An out may be another name of it.
    if (stat?.nlink === 1) cache.memo.forget(stat);
  }
}

/** Every object of the cache, by name. */
export function* listObjects(cache: Cache): Generator<ContentHash> {
  for (const algorithm of ['sha256', 'md5']) {
    for (const folder of readFolder(join(cache.dir, 'files', algorithm))) {
      for (const file of readFolder(join(cache.dir, 'files', algorithm, folder.name))) {
        const hash = parseObjectPath(`files/${algorithm}/${folder.name}/${file.name}`);
        if (hash !== undefined) yield hash;
      }
    }
  }
}

/** A manifest that is gone or damaged reaches nothing: its files could not be told from others anyway. */
function filesOf(cache: Cache, tree: ContentHash): readonly ContentHash[] {
  try {
    return cache.has(tree) ? cache.readTree(tree).map((entry) => entry.hash) : [];
  } catch (error) {
    if (error instanceof PipelineError) return [];
    throw error;
  }
}
