import { PipelineError } from '../base/error.ts';
import { pathOfWord } from '../base/path.ts';
import { didYouMean } from '../base/text.ts';
import type { StageName } from '../base/types.ts';
import type { Graph } from './graph.ts';
import type { Selection } from './plan.ts';

export interface SelectOptions {
  /** Stage names, names of `foreach`/`matrix` templates, paths of outs or of folders around outs; none = every stage. */
  readonly targets: readonly string[];
  /** Where the paths among them are taken from, itself a path from the root. */
  readonly folder: string;
  /** The targets and all that reads from them. */
  readonly downstream: boolean;
  /** The targets only. */
  readonly single: boolean;
  /** Run the targets even when nothing changed. */
  readonly force: boolean;
}

/** Which stages a command is about. Throws `stage.unknown` with a suggestion. */
export function selectStages(graph: Graph, options: SelectOptions): Selection {
  const targets =
    options.targets.length === 0
      ? [...graph.stages.keys()]
      : options.targets.flatMap((one) => findTarget(graph, one, options.folder));
  const forced = new Set(options.force ? targets : []);
  if (options.single) return { stages: new Set(targets), forced };
  return { stages: reach(targets, options.downstream ? graph.downstream : graph.upstream), forced };
}

/** The stages a word of the command line means: by their name, else by a path, which is taken from `folder`. */
export function findTarget(graph: Graph, target: string, folder: string): readonly StageName[] {
  const named = stagesCalled(graph, target);
  if (named.length > 0) return named;
  const path = pathOfWord(target, folder);
  if (path === '') return [...graph.stages.keys()];
  const makers = graph.makersOf(path);
  if (makers.length > 0) return [...new Set(makers.map((maker) => maker.stage))];
  throw new PipelineError('stage.unknown', `there is no stage "${target}"`, {
    hint: didYouMean(target, knownTargets(graph)),
  });
}

/** The stage of this name, or all stages of the template of this name. */
export function stagesCalled(graph: Graph, name: string): readonly StageName[] {
  if (graph.stages.has(name as StageName)) return [name as StageName];
  return [...graph.stages.keys()].filter((one) => one.startsWith(`${name}@`));
}

/** What a mistyped word may have meant: stages, their templates, and nothing else: outs are too many to list. */
function knownTargets(graph: Graph): readonly string[] {
  const names = [...graph.stages.keys()].flatMap((name): readonly string[] =>
    name.includes('@') ? [name.slice(0, name.indexOf('@')), name] : [name],
  );
  return [...new Set(names)];
}

function reach(
  from: readonly StageName[],
  edges: ReadonlyMap<StageName, readonly StageName[]>,
): ReadonlySet<StageName> {
  const seen = new Set<StageName>(from);
  const open = [...from];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    for (const next of edges.get(name) ?? []) {
      if (!seen.has(next)) {
        seen.add(next);
        open.push(next);
      }
    }
  }
  return seen;
}
