import { join } from 'node:path';
import type { Artifact, Lock, RelPath } from '../base/types.ts';
import { takeIn } from '../store/take-in.ts';
import { hasArtifact } from './facts.ts';
import { readIncomplete } from './incomplete.ts';
import type { OpenProject } from './open-project.ts';
import { outKept, unsavedFiles } from './out-kept.ts';

type KeepOptions = Pick<OpenProject, 'root' | 'folder' | 'cache' | 'facts' | 'recorder' | 'emit'>;

/**
 * Saves what stands at paths that are about to be replaced and that no cache holds: bytes are never lost. What the lock does
 * not name either is told, of folders file by file. Links, sockets and the like are refused.
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
    // A part of what is recorded holds nothing but that.
    const isPart = here.kind === 'tree' && parts.has(path);
    const files = here.kind === 'tree' ? here.entries.map(({ hash }) => hash) : [here.artifact.hash];
    // A name in the cache is no second copy when the object behind it has rotted: it is taken out.
    const { missing, corrupt } = await cache.check(files);
    if ((isNamed || isPart) && missing.size + corrupt.size === 0) continue;
    // What was damaged has been told, and is whole again.
    const isUntold = !isNamed && !isLocked(recorder.lock(), here.artifact);
    const unsaved = isUntold && here.kind === 'tree' ? unsavedFiles(here, recorder.lock(), cache) : [];
    await takeIn(cache, [{ path: join(root, path), here, sharing: 'own' }]);
    // A folder that only lacks some files has none to be told of.
    if (!isUntold || (here.kind === 'tree' && unsaved.length === 0)) continue;
    emit({ type: 'warned', problem: outKept(here.artifact, unsaved, options) });
  }
}

/** An out that git keeps may be all that a clone has of it. */
function isLocked({ stages }: Lock, { path, hash }: Artifact): boolean {
  return stages.values().some(({ outs }) => outs.some((out) => out.path === path && out.hash === hash));
}
