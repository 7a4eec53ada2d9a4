import type { Pipeline, RelPath } from '../base/types.ts';
import type { Graph } from './graph.ts';
import { selectMakers } from './plan.ts';
import type { Selection } from './plan.ts';

/** What the planner will ask about: outs, and deps that no selected stage makes or that lie around outs. */
export function pathsToLookAt(pipeline: Pipeline, graph: Graph, selection: Selection): readonly RelPath[] {
  const paths: RelPath[] = pipeline.data.map((input) => input.path);
  for (const stage of pipeline.stages) {
    if (!selection.stages.has(stage.name)) continue;
    for (const out of stage.outs) paths.push(out.path);
    for (const dep of stage.deps) {
      const makers = selectMakers(graph.makersOf(dep.path), selection);
      if (makers.length === 0 || makers.some((maker) => maker.relation === 'around')) paths.push(dep.path);
    }
  }
  return paths;
}
