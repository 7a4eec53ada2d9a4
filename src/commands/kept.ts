import { EXIT, PipelineError } from '../base/error.ts';
import type { RelPath } from '../base/types.ts';
import { lockedArtifacts } from '../execute/checkout.ts';
import type { LockedArtifact } from '../execute/checkout.ts';
import { hasArtifact } from '../execute/facts.ts';
import type { Project } from '../project.ts';
import { pathsOf, placeOf } from './routes.ts';

/** Those of them, by path, that are kept from every remote, or from the one that is asked for. */
export function keptItems(
  items: readonly LockedArtifact[],
  asked: string | undefined,
): ReadonlyMap<RelPath, LockedArtifact> {
  // Which one is the default does not matter here: it is no reason to keep anything from it.
  const kept = items.filter((item) => placeOf(item, asked, '') === undefined);
  return new Map(kept.map((item) => [item.artifact.path, item]));
}

/** Where alone it can be had, for a sentence. */
export function keeperOf({ push, remote }: LockedArtifact): string {
  return push ? `the remote "${remote}" alone` : 'the machine that made it ("push: false")';
}

const HINTS = {
  fetched: 'copy it from the machine that has it; what a stage makes, "lockstep repro" can make again',
  pushed: 'take "push: false" out of pipeline.yaml if it may leave this machine',
  'verified there': 'without --remote "lockstep verify" looks at what is here',
} as const;

export function keptFault(item: LockedArtifact, word: string, moved: keyof typeof HINTS): PipelineError {
  return new PipelineError(
    'cli.arguments',
    `"${word}" cannot be ${moved}: ${word === item.artifact.path ? 'it' : `"${item.artifact.path}"`} is kept to ${keeperOf(item)}`,
    { hint: item.push ? 'leave --remote out, or name that one' : HINTS[moved] },
  );
}

/** Throws for words that mean nothing but what is kept from the remote: of a stage, the outs that may go do. */
export function refuseKept(
  words: readonly string[],
  project: Project,
  { asked, moved }: { readonly asked: string | undefined; readonly moved: keyof typeof HINTS },
): void {
  const all = lockedArtifacts(project.pipeline, project.recorder);
  const items = new Map(all.map((item) => [item.artifact.path, item]));
  for (const word of words) {
    const meant = [...(pathsOf([word], project) ?? [])].flatMap((path) => items.get(path) ?? []);
    const kept = keptItems(meant, asked);
    const [first] = kept.values();
    if (first && kept.size === meant.length) throw keptFault(first, word, moved);
  }
}

/** Throws for what was to be fetched, is kept, and is not here either. */
export function refuseLacking(
  { pipeline, recorder, cache }: Project,
  wanted: ReadonlySet<RelPath>,
  asked: string | undefined,
): void {
  const items = lockedArtifacts(pipeline, recorder).filter(
    ({ artifact, inGit }) => wanted.has(artifact.path) && !inGit && !hasArtifact(cache, artifact),
  );
  const faults = [...keptItems(items, asked)].map(([path, item]) => keptFault(item, path, 'fetched'));
  if (faults.length > 0)
    throw PipelineError.of(
      faults.flatMap(({ problems }) => problems),
      EXIT.failed,
    );
}
