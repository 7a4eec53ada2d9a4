import type { Problem } from '../base/error.ts';
import { parentsOf } from '../base/path.ts';
import type { Lock, Stage, StageName } from '../base/types.ts';
import type { Graph } from './graph.ts';

/** Deps that only a stage of the lock made which pipeline.yaml no longer has: they are here, and no clone gets them. */
export function orphanedDeps(
  lock: Lock,
  { graph, stages }: { readonly graph: Graph; readonly stages: readonly Stage[] },
): readonly Problem[] {
  const makers = new Map<string, string>();
  for (const [maker, { outs }] of lock.stages)
    if (!graph.stages.has(maker as StageName)) for (const { path } of outs) makers.set(path, maker);
  if (makers.size === 0) return [];
  return stages.flatMap((stage) =>
    stage.deps.flatMap((dep) => {
      const out = [dep.path, ...parentsOf(dep.path)].find((path) => makers.has(path));
      if (
        out === undefined ||
        graph.makersOf(dep.path).length > 0 ||
        graph.dataAround(dep.path) !== undefined
      )
        return [];
      return [
        {
          code: 'dep.orphaned',
          message: `stage "${stage.name}" reads "${dep.path}", which "${makers.get(out)}" made, a stage that pipeline.yaml no longer has`,
          hint: `no clone gets it: name it under "data:" to keep it, or take it out of the deps: of "${stage.name}"`,
          at: [dep.at],
        },
      ];
    }),
  );
}
