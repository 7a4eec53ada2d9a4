import type { Problem } from '../base/error.ts';
import { shellQuote } from '../base/text.ts';
import type { Stage } from '../base/types.ts';
import type { Graph, Maker } from './graph.ts';

interface DepSources {
  readonly graph: Graph;
  /** The selected stages that make it: they have, and it is not there. */
  readonly makers: readonly Maker[];
}

/** The problem of a dep that is not there: nobody makes it, or its maker did not. */
export function missingDep(stage: Stage, dep: Stage['deps'][number], { graph, makers }: DepSources): Problem {
  const [made] = makers;
  const { where, hint } = made
    ? {
        where: `is not in the "${made.out.path}" that stage "${made.stage}" made`,
        hint: `look what is in "${made.out.path}", and correct the path or the stage that should write it`,
      }
    : whyMissing(stage, dep.path, graph);
  return {
    code: 'dep.missing',
    message: `stage "${stage.name}" reads "${dep.path}", which ${where}`,
    hint,
    at: made ? [dep.at, made.out.at] : [dep.at],
  };
}

interface Missing {
  readonly where: string;
  readonly hint: string;
}

function whyMissing(stage: Stage, path: string, graph: Graph): Missing {
  const input = graph.dataAround(path);
  if (input === undefined || input === path)
    return { where: 'does not exist', hint: hintForMissing(stage, path, graph) };
  return {
    where: `is not in what is here of the tracked input "${input}"`,
    hint: `run "lockstep pull --for ${shellQuote(stage.name)}", or correct the path`,
  };
}

function hintForMissing(stage: Stage, path: string, graph: Graph): string {
  const [maker] = graph.makersOf(path);
  if (maker) return `stage "${maker.stage}" makes it: select that stage too, or run "lockstep pull"`;
  const near = graph.nearestOut(path);
  // Not the stage's own: it would read what it makes.
  return near === undefined || stage.outs.some((out) => out.path === near)
    ? 'create the file; "lockstep pull" brings it when it is listed under data:'
    : `did you mean "${near}"?`;
}
