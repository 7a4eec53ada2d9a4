import type { Problem } from '../base/error.ts';
import { parentsOf } from '../base/path.ts';
import { suggest } from '../base/text.ts';
import type { Dep, Location, Out, Pipeline, RelPath, Stage, StageName } from '../base/types.ts';
import { cycleProblem, sortStages } from './sort-stages.ts';

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
  /** The stage whose out this very path is. */
  ownerOf(path: string): Stage | undefined;
  /** Who makes a dep; no entry for plain files and `data:`. */
  makersOf(path: string): readonly Maker[];
  /** The tracked input that stands at a path or around it. */
  dataAround(path: string): RelPath | undefined;
  /** The tracked inputs that stand at a path, around it or inside it. */
  dataNear(path: string): readonly RelPath[];
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
  const { order, cycles } = sortStages(pipeline, upstream);
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
    ownerOf(path) {
      const owned = owners.get(path);
      return owned && stages.get(owned.stage);
    },
    makersOf,
    ...indexData(pipeline.data),
    nearestOut: createSuggester(owners),
  };
  return { graph: problems.length === 0 ? graph : undefined, problems };
}

function indexData(data: Pipeline['data']): Pick<Graph, 'dataAround' | 'dataNear'> {
  const known = new Map<string, RelPath>(data.map(({ path }) => [path, path]));
  const inFolder = Map.groupBy(
    data.flatMap(({ path }) => [...parentsOf(path)].map((folder) => ({ folder, path }))),
    ({ folder }) => folder,
  );
  const dataAround: Graph['dataAround'] = (path) => {
    const at = known.has(path) ? path : parentsOf(path).find((folder) => known.has(folder));
    return at === undefined ? undefined : known.get(at);
  };
  return {
    dataAround,
    dataNear(path) {
      const around = dataAround(path);
      return around === undefined ? (inFolder.get(path) ?? []).map((one) => one.path) : [around];
    },
  };
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
          hint: duplicateHint(stage.name, out, other),
          at: sameText(out.at, other.out.at) ? [out.at] : [out.at, other.out.at],
        });
      }
    }
  }
  return owners;
}

/** What stands in the text once is made twice by `foreach` or `matrix`, whose stages have an `@`, or by an alias. */
function duplicateHint(name: string, out: Out, other: Owned): string {
  if (!sameText(out.at, other.out.at)) return 'an out has one owner: give one of them another path';
  return name.includes('@')
    ? 'each instance needs an out of its own: write "${key}" into the path'
    : 'the alias repeats it: write out the outs of one of them, with another path';
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
  for (const folder of parentsOf(path)) {
    const owned = owners.get(folder);
    if (owned) return owned;
  }
  return undefined;
}

function indexByFolder(owners: ReadonlyMap<string, Owned>): ReadonlyMap<string, readonly Owned[]> {
  const index = new Map<string, Owned[]>();
  for (const owned of owners.values()) {
    for (const folder of parentsOf(owned.out.path)) {
      const list = index.get(folder);
      if (list) list.push(owned);
      else index.set(folder, [owned]);
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
