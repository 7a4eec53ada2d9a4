import type { Problem } from '../base/error.ts';
import { suggest } from '../base/text.ts';
import type { Dep, Location, Out, Pipeline, Stage, StageName } from '../base/types.ts';

/** Where a stage's dep comes from when stages make it. */
export interface Maker {
  readonly stage: StageName;
  readonly out: Out;
  /** How dep and out lie: the same path, the dep inside the out, or the out inside the dep's folder. */
  readonly relation: 'same' | 'inside' | 'around';
}

export interface Graph {
  readonly stages: ReadonlyMap<StageName, Stage>;
  /** Every stage after all it reads from; otherwise in the order of the file. */
  readonly order: readonly StageName[];
  readonly upstream: ReadonlyMap<StageName, readonly StageName[]>;
  readonly downstream: ReadonlyMap<StageName, readonly StageName[]>;
  /** Who makes a dep; no entry for plain files and `data:`. */
  makersOf(path: string): readonly Maker[];
  /** The out whose path is nearly this one; after some dozens of paths, no longer looked for. */
  nearestOut(path: string): string | undefined;
}

/** Each is compared with every out: with thousands of missing deps, the cause is another than a slip of the pen. */
const MAX_SUGGESTIONS = 50;

/** An out and whose it is, as those see it who read that very path. */
type Owned = Maker & { readonly relation: 'same' };

const NOBODY: readonly never[] = [];

/** Joins stages by their paths, in time linear in edges. All problems are told; then there is no graph. */
export function buildGraph(pipeline: Pipeline): { graph: Graph | undefined; problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const owners = ownOuts(pipeline, problems);
  const inFolder = indexByFolder(owners);
  checkOverlaps(pipeline, { owners, inFolder }, problems);
  const makersOf = createMakers({ owners, inFolder });
  const stages = new Map<StageName, Stage>();
  const upstream = new Map<StageName, readonly StageName[]>();
  for (const stage of pipeline.stages) {
    stages.set(stage.name, stage);
    upstream.set(stage.name, upstreamOf(stage, makersOf, problems));
  }
  const { order, cycles } = sortTopologically(pipeline, upstream);
  for (const cycle of cycles) problems.push(cycleProblem(cycle, stages, makersOf));
  let downstream: Graph['downstream'] | undefined;
  const graph: Graph = {
    stages,
    order,
    upstream,
    // Only a run and `--downstream` ask for it.
    get downstream() {
      return (downstream ??= turnAround(upstream));
    },
    makersOf,
    nearestOut: createSuggester(owners),
  };
  return { graph: problems.length === 0 ? graph : undefined, problems };
}

function upstreamOf(stage: Stage, makersOf: Graph['makersOf'], problems: Problem[]): readonly StageName[] {
  let above: Set<StageName> | undefined;
  for (const dep of stage.deps) {
    for (const maker of makersOf(dep.path)) {
      if (maker.stage === stage.name) problems.push(selfCycle(stage, dep, maker.out));
      else (above ??= new Set()).add(maker.stage);
    }
  }
  return above ? [...above] : NOBODY;
}

function turnAround(upstream: Graph['upstream']): Graph['downstream'] {
  const downstream = new Map<StageName, StageName[]>();
  for (const name of upstream.keys()) downstream.set(name, []);
  for (const [name, above] of upstream) for (const one of above) downstream.get(one)?.push(name);
  return downstream;
}

function createSuggester(owners: ReadonlyMap<string, Owned>): Graph['nearestOut'] {
  const found = new Map<string, string | undefined>();
  return (path) => {
    if (!found.has(path) && found.size < MAX_SUGGESTIONS) found.set(path, suggest(path, owners.keys()));
    return found.get(path);
  };
}

function ownOuts(pipeline: Pipeline, problems: Problem[]): Map<string, Owned> {
  const owners = new Map<string, Owned>();
  for (const stage of pipeline.stages) {
    for (const out of stage.outs) {
      const other = owners.get(out.path);
      if (!other) owners.set(out.path, { stage: stage.name, out, relation: 'same' });
      else {
        problems.push({
          code: 'graph.duplicate-out',
          message:
            other.stage === stage.name
              ? `stage "${stage.name}" lists the out "${out.path}" twice`
              : `stages "${other.stage}" and "${stage.name}" both make "${out.path}"`,
          hint: sameText(out.at, other.out.at)
            ? 'each instance needs an out of its own: write "${item}" or "${key}" into the path'
            : 'an out has one owner: give one of them another path',
          at: sameText(out.at, other.out.at) ? [out.at] : [out.at, other.out.at],
        });
      }
    }
  }
  return owners;
}

function sameText(a: Location, b: Location): boolean {
  return a.file === b.file && a.line === b.line && a.column === b.column;
}

interface Owners {
  readonly owners: ReadonlyMap<string, Owned>;
  /** Folder → what stages make below it, at any depth. */
  readonly inFolder: ReadonlyMap<string, readonly Owned[]>;
}

function checkOverlaps(pipeline: Pipeline, { owners, inFolder }: Owners, problems: Problem[]): void {
  for (const { stage, out } of owners.values()) {
    const parent = firstParent(out.path, owners);
    if (!parent) continue;
    problems.push({
      code: 'graph.overlapping-outs',
      message: `the out "${out.path}" of stage "${stage}" lies inside the out "${parent.out.path}" of stage "${parent.stage}"`,
      hint: 'move one of them so that no out holds another',
      at: [out.at, parent.out.at],
    });
  }
  for (const data of pipeline.data) {
    const held = owners.get(data.path) ?? firstParent(data.path, owners) ?? inFolder.get(data.path)?.[0];
    if (!held) continue;
    problems.push({
      code: 'graph.data-is-out',
      message: `"${data.path}" is listed under data:, but stage "${held.stage}" makes "${held.out.path}"`,
      hint: 'data: is for inputs that no stage makes; take it out of data:',
      at: [data.at, held.out.at],
    });
  }
}

function firstParent(path: string, owners: ReadonlyMap<string, Owned>): Owned | undefined {
  for (let cut = path.lastIndexOf('/'); cut > 0; cut = path.lastIndexOf('/', cut - 1)) {
    const owned = owners.get(path.slice(0, cut));
    if (owned) return owned;
  }
  return undefined;
}

function indexByFolder(owners: ReadonlyMap<string, Owned>): ReadonlyMap<string, readonly Owned[]> {
  const index = new Map<string, Owned[]>();
  for (const owned of owners.values()) {
    const { path } = owned.out;
    for (let cut = path.lastIndexOf('/'); cut > 0; cut = path.lastIndexOf('/', cut - 1)) {
      const parent = path.slice(0, cut);
      const list = index.get(parent);
      if (list) list.push(owned);
      else index.set(parent, [owned]);
    }
  }
  return index;
}

/** Each path is joined once: graph and plan ask about the same ones. */
function createMakers({ owners, inFolder }: Owners): Graph['makersOf'] {
  const found = new Map<string, readonly Maker[]>();
  return (path) => {
    let makers = found.get(path);
    if (!makers) found.set(path, (makers = findMakers(path, { owners, inFolder })));
    return makers;
  };
}

function findMakers(path: string, { owners, inFolder }: Owners): readonly Maker[] {
  const same = owners.get(path);
  if (same) return [same];
  const parent = firstParent(path, owners);
  if (parent) return [{ ...parent, relation: 'inside' }];
  const around = inFolder.get(path);
  return around ? around.map((owned) => ({ ...owned, relation: 'around' })) : NOBODY;
}

function selfCycle(stage: Stage, dep: Dep, out: Out): Problem {
  return {
    code: 'graph.self-cycle',
    message: `stage "${stage.name}" reads "${dep.path}" and makes "${out.path}": it would wait for itself`,
    hint: 'read from one path and write to another; an out with "persist: true" starts from its old content without a dep',
    at: [dep.at, out.at],
  };
}

/** A stage on the way up, and which of those above it comes next. */
interface Step {
  readonly name: StageName;
  readonly above: readonly StageName[];
  next: number;
}

/**
 * Depth-first in file order, without recursion: pipelines may be 100,000 stages long. Cycles that share no stage are
 * all told; of those that do, the first.
 */
function sortTopologically(
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
    const path: Step[] = [{ name, above: upstream.get(name) ?? NOBODY, next: 0 }];
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
        path.push({ name: above, above: upstream.get(above) ?? NOBODY, next: 0 });
      }
    }
  }
  return { order: [...done], cycles };
}

function cycleProblem(
  cycle: readonly StageName[],
  stages: ReadonlyMap<StageName, Stage>,
  makersOf: (path: string) => readonly Maker[],
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
