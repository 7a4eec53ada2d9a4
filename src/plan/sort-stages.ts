import type { Problem } from '../base/error.ts';
import type { Location, Pipeline, Stage, StageName } from '../base/types.ts';
import type { Graph } from './graph.ts';

/** A stage on the way up, and which of those above it comes next. */
interface Step {
  readonly name: StageName;
  readonly above: readonly StageName[];
  next: number;
}

/**
 * Puts every stage after all it reads from: depth-first in file order, without recursion: pipelines may be 100,000 stages long. Cycles that share no stage are
 * all told; of those that do, the first.
 */
export function sortStages(
  pipeline: Pipeline,
  upstream: ReadonlyMap<StageName, readonly StageName[]>,
): { order: readonly StageName[]; cycles: readonly (readonly StageName[])[] } {
  const cycles: (readonly StageName[])[] = [];
  const circling = new Set<StageName>();
  const open = new Set<StageName>();
  /** Keeps the order in which they were done. */
  const done = new Set<StageName>();
  for (const { name } of pipeline.stages) {
    if (done.has(name)) continue;
    const first = upstream.get(name) ?? [];
    // Most files are written in an order that holds already.
    if (first.every((above) => done.has(above))) {
      done.add(name);
      continue;
    }
    const path: Step[] = [{ name, above: first, next: 0 }];
    open.add(name);
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const above = top.above[top.next++];
      if (above === undefined) {
        open.delete(top.name);
        done.add(top.name);
        path.pop();
      } else if (open.has(above)) {
        if (circling.has(above) || circling.has(top.name)) continue;
        const names = path.map((step) => step.name);
        const cycle = names.slice(names.indexOf(above));
        for (const member of cycle) circling.add(member);
        cycles.push(cycle);
      } else if (!done.has(above)) {
        open.add(above);
        path.push({ name: above, above: upstream.get(above) ?? [], next: 0 });
      }
    }
  }
  return { order: [...done], cycles };
}

/** Tells a circle of stages, with the places where each reads from the one before. */
export function cycleProblem(
  cycle: readonly StageName[],
  stages: ReadonlyMap<StageName, Stage>,
  makersOf: Graph['makersOf'],
): Problem {
  // The walk went from reader to maker; data flows the other way.
  const flow = [...cycle].reverse();
  const at: Location[] = [];
  for (const [index, name] of flow.entries()) {
    const before = flow[(index + flow.length - 1) % flow.length];
    const dep = stages
      .get(name)
      ?.deps.find(({ path }) => makersOf(path).some((maker) => maker.stage === before));
    if (dep) at.push(dep.at);
  }
  return {
    code: 'graph.cycle',
    message: `stages wait for each other: ${formatCircle(flow)}`,
    hint: 'break the circle: let one of these stages read something else',
    at: at.slice(0, MAX_TOLD),
  };
}

/** More stages than anyone reads: of a longer circle the middle is counted. */
const MAX_TOLD = 50;

function formatCircle(flow: readonly StageName[]): string {
  const names = [...flow, ...flow.slice(0, 1)].map((name) => `"${name}"`);
  if (flow.length <= MAX_TOLD) return names.join(' → ');
  const [head, tail] = [names.slice(0, MAX_TOLD / 2), names.slice(-MAX_TOLD / 2)];
  return [...head, `(${names.length - MAX_TOLD} more)`, ...tail].join(' → ');
}
