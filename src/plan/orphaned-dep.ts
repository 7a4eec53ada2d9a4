import type { Problem } from '../base/error.ts';
import { isInside } from '../base/path.ts';
import type { Lock, Stage, StageName } from '../base/types.ts';
import type { Graph } from './graph.ts';

/** Deps that only a stage of the lock made which pipeline.yaml no longer has: they are here, and no clone gets them. */
export function orphanedDeps(
  lock: Lock,
  { graph, stages }: { readonly graph: Graph; readonly stages: readonly Stage[] },
): readonly Problem[] {
  const left = [...lock.stages]
    .filter(([name]) => !graph.stages.has(name as StageName))
    .flatMap(([maker, { outs }]) => outs.map(({ path }) => ({ maker, path })));
  if (left.length === 0) return [];
  return stages.flatMap((stage) =>
    stage.deps.flatMap((dep) => {
      const out = left.find(({ path }) => isInside(dep.path, path));
      if (!out || graph.makersOf(dep.path).length > 0 || graph.dataAround(dep.path) !== undefined) return [];
      return [
        {
          code: 'dep.orphaned',
          message: `stage "${stage.name}" reads "${dep.path}", which "${out.maker}" made, a stage that pipeline.yaml no longer has`,
          hint: `no clone gets it: name it under "data:" to keep it, or take it out of the deps: of "${stage.name}"`,
          at: [dep.at],
        },
      ];
    }),
  );
}
