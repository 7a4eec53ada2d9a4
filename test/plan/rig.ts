import type { SeenOut } from '../../src/plan/decide.ts';
import { buildGraph } from '../../src/plan/graph.ts';
import type { Graph } from '../../src/plan/graph.ts';
import type { Code, Facts } from '../../src/plan/plan.ts';
import type { Fingerprint, Pipeline, StageLock, StageName } from '../../src/base/types.ts';
import { pipelineOf } from '../read/rig.ts';

/** A hash whose digest is the given character throughout. */
export function hashOf(char: string): `sha256:${string}` {
  return `sha256:${char.repeat(64)}`;
}

/** The graph of a pipeline text that must be valid. */
export function graphOf(text: string, others: Readonly<Record<string, string>> = {}): Graph {
  return joined(pipelineOf(text, others));
}

export function joined(pipeline: Pipeline): Graph {
  const { graph, problems } = buildGraph(pipeline);
  if (!graph) throw new Error(problems.map((problem) => problem.message).join('\n'));
  return graph;
}

/** A world in maps: what is on disk, in the lock, in the run cache. */
export interface World {
  readonly deps?: Readonly<Record<string, string>>;
  readonly outs?: Readonly<Record<string, SeenOut>>;
  readonly code?: Code;
  readonly ticks?: Readonly<Record<string, string>>;
  readonly locked?: ReadonlyMap<string, StageLock>;
  readonly recall?: (fingerprint: Fingerprint) => StageLock | undefined;
  readonly available?: boolean;
}

export function factsOf(world: World): Facts {
  return {
    depHash: (path) => world.deps?.[path],
    seenOut: (path) => world.outs?.[path] ?? { kind: 'missing' },
    lookInside: () => undefined,
    codeOf: (stage) =>
      stage.action.kind === 'module' ? (world.code ?? { files: {}, importers: {} }) : undefined,
    envOf: () => ({}),
    tickOf: (stage) => world.ticks?.[stage.name],
    locked: (name) => world.locked?.get(name),
    recall: (fingerprint) => world.recall?.(fingerprint),
    isAvailable: () => world.available ?? false,
    isListed: () => false,
  };
}

export const all = (graph: Graph): { stages: ReadonlySet<StageName>; forced: ReadonlySet<StageName> } => ({
  stages: new Set(graph.stages.keys()),
  forced: new Set(),
});
