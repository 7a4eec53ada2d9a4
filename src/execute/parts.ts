import { algorithmOf } from '../base/hash.ts';
import { isInside } from '../base/path.ts';
import type { Artifact, ContentHash, RelPath } from '../base/types.ts';
import type { Plan } from '../plan/plan.ts';
import type { Cache } from '../store/cache.ts';
import { ingestTree } from '../store/ingest.ts';
import type { TreeEntry } from '../store/tree.ts';
import type { DiskFacts } from './facts.ts';
import { noteIncomplete, partOf, partial, readIncomplete } from './incomplete.ts';
import type { Part } from './incomplete.ts';
import type { OpenProject } from './open-project.ts';

/** A directory of which only some files will be here, and all that it has. */
export interface NewPart {
  readonly path: RelPath;
  readonly hash: ContentHash;
  readonly entries: readonly TreeEntry[];
}

/** Notes it, before the first file is there. Its manifest enters the cache: by it is judged whether a stage finds what it reads. */
export function notePart(root: string, cache: Cache, { path, hash, entries }: NewPart): void {
  ingestTree(cache, entries, algorithmOf(hash));
  noteIncomplete(root, { path, hash, files: entries.length });
}

export interface ReadingOptions extends Pick<
  OpenProject,
  'root' | 'folder' | 'facts' | 'graph' | 'recorder'
> {
  readonly plan: Plan;
}

/**
 * Throws `incomplete.part` when a stage that is about to run reads from a part more than is here of it. Files that are here as
 * they are recorded are as good as in the whole.
 */
export async function refuseParts(options: ReadingOptions): Promise<void> {
  const { root, folder, facts, graph, recorder, plan } = options;
  const noted = readIncomplete(root);
  if (noted.length === 0) return;
  await facts.lookOnce(noted.map(({ path }) => path));
  const selected = new Set(plan.judgements.map(({ stage }) => stage.name));
  for (const { path } of noted) {
    const [maker] = graph.makersOf(path);
    // Its stage is judged itself: it makes the whole again, or restores it.
    if (maker && selected.has(maker.stage)) continue;
    const locked = maker
      ? recorder.lockOf(maker.stage)?.outs.find((out) => out.path === path)
      : recorder.dataOf(path);
    const part = partOf(root, facts, locked);
    if (!part || !locked) continue;
    for (const { stage, decision } of plan.judgements)
      if (decision.verdict !== 'skip' && decision.verdict !== 'restore')
        for (const dep of stage.deps)
          if (!isEnough(dep.path, { part, locked, facts })) throw partial(part, folder);
  }
}

function isEnough(
  dep: string,
  { part, locked, facts }: { readonly part: Part; readonly locked: Artifact; readonly facts: DiskFacts },
): boolean {
  if (isInside(part.path, dep)) return false;
  if (!isInside(dep, part.path)) return true;
  const below = dep.slice(part.path.length + 1);
  const whole = facts.lookInside(locked, below);
  return whole !== undefined && facts.lookInside(part.here, below) === whole;
}
