import { join } from 'node:path';
import type { Emit } from '../base/event.ts';
import type { Artifact, ContentHash, Lock, RelPath } from '../base/types.ts';
import type { Cache } from '../store/cache.ts';
import { takeIn } from '../store/take-in.ts';
import { objectsOf } from '../store/place.ts';
import { hasArtifact, shortHash } from './facts.ts';
import type { DiskFacts } from './facts.ts';
import { readIncomplete } from './incomplete.ts';
import type { Recorder } from './recorder.ts';

export interface KeepOptions {
  readonly root: string;
  readonly cache: Cache;
  readonly facts: DiskFacts;
  readonly recorder: Pick<Recorder, 'lock'>;
  readonly emit: Emit;
}

/**
 * Saves what stands at paths that are about to be replaced and that no cache holds: bytes are never lost. What the lock does
 * not name either is told. Links, sockets and the like are refused.
 */
export async function keepUnsaved(paths: readonly RelPath[], options: KeepOptions): Promise<void> {
  const { root, cache, facts, recorder, emit } = options;
  const parts = new Set(readIncomplete(root).map((one) => one.path));
  await facts.look(paths);
  for (const path of paths) {
    const here = facts.observed(path);
    if (here.kind === 'missing') continue;
    if (here.kind === 'refused') throw here.error;
    const isNamed = hasArtifact(cache, here.artifact);
    if (isNamed && (await isWhole(cache, here.artifact))) continue;
    // A part of what is recorded holds nothing but that.
    if (
      here.kind === 'tree' &&
      parts.has(path) &&
      (await areGood(cache, new Set(here.entries.map((entry) => entry.hash))))
    )
      continue;
    const { hash } = here.artifact;
    await takeIn(cache, [{ path: join(root, path), here, sharing: 'own' }]);
    // What was damaged has been told, and is whole again.
    if (isNamed || isLocked(recorder.lock(), here.artifact)) continue;
    emit({
      type: 'warned',
      problem: {
        code: 'out.kept',
        message: `"${path}" had content that was recorded nowhere; it is kept in the cache as ${shortHash(hash)}`,
        hint: `find it at ${cache.pathOf(hash)}, until "lockstep gc --delete"`,
      },
    });
  }
}

/** An out that git keeps may be all that a clone has of it. */
function isLocked({ stages }: Lock, { path, hash }: Artifact): boolean {
  return stages.values().some(({ outs }) => outs.some((out) => out.path === path && out.hash === hash));
}

/** A name in the cache is no second copy when the object behind it has rotted. */
async function isWhole(cache: Cache, artifact: Artifact): Promise<boolean> {
  return areGood(cache, objectsOf(cache, artifact));
}

async function areGood(cache: Cache, objects: Iterable<ContentHash>): Promise<boolean> {
  const { missing, corrupt } = await cache.check(objects);
  return missing.length + corrupt.length === 0;
}
