import { dataState, judge, judgeAll, makersOf, markOf } from './judge.ts';
import { areSame, placed, thingAt } from './world.ts';
import type { File, Result, Stage, Thing, World } from './world.ts';

export type Outcome = 'fresh' | 'restored' | 'ran' | 'failed' | 'blocked';

/** How a command is to end. */
export interface Ending extends Pick<World, 'files' | 'algorithm' | 'lock' | 'runs' | 'stood'> {
  readonly code: number;
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

/** What tracked inputs become first: `undefined` where one is missed, so that nothing happens. */
function syncData(
  world: World,
  names: ReadonlySet<string>,
  asItIs: boolean,
  pulled: Pick<World, 'has' | 'isWhole'> = world,
): World | undefined {
  const readers = world.stages.filter(({ name }) => names.has(name));
  const isRead = (path: string): boolean =>
    readers.some(({ deps }) => deps.some((dep) => dep === path || dep.startsWith(`${path}/`)));
  let { files } = world;
  const data = new Map(world.lock.data);
  const left = new Set<string>();
  for (const path of world.data) {
    const state = dataState(path, world);
    const recorded = world.lock.data.get(path);
    if (state === 'missing' || (state === 'behind' && !asItIs)) {
      const source = isRead(path) ? pulled : world;
      if (recorded && source.has(recorded) && source.isWhole(recorded)) files = placed(files, path, recorded);
      else if (!recorded || isRead(path)) return undefined;
      else left.add(path);
    } else if (state === 'forked' && !asItIs) return undefined;
    else data.set(path, thingAt({ ...world, files }, path) as Thing);
  }
  const stood = new Map(world.stood);
  for (const [path, thing] of data) if (!left.has(path)) stood.set(path, markOf(thing));
  return { ...world, files, lock: { ...world.lock, data }, stood };
}

/** A tracked input is missed, or was edited while the lock moved. */
export const isStuck = (world: World, names: ReadonlySet<string>): boolean =>
  !syncData({ ...world, isWhole: () => true }, names, false);

export interface Asked {
  readonly names: ReadonlySet<string>;
  /** Stages that run whatever is known of them. */
  readonly forced?: ReadonlySet<string>;
  /** `--pull`: what cache and remote have together. */
  readonly pulled?: Pick<World, 'has' | 'isWhole' | 'runs'>;
}

/** How `repro --keep-going` ends. */
export function reproduce(before: World, { names, forced, pulled }: Asked): Ending {
  const outcomes = new Map<string, Outcome>();
  const world = syncData(before, names, false, pulled);
  if (!world) return { ...before, code: 2, outcomes };
  if (!judgeAll(world, names)) return { ...world, code: 2, outcomes };
  let { files } = world;
  const stages = new Map(world.lock.stages);
  const runs = new Map(world.runs);
  /** A folder around outs that are only to be restored is not known when the remote is asked. */
  const isBehind = (stage: Stage): boolean =>
    stage.deps.some((dep) =>
      makersOf(dep, world).some(
        ({ name, outs }) =>
          outcomes.get(name) !== 'fresh' && outs.some((out) => out.path.startsWith(`${dep}/`)),
      ),
    );
  for (const stage of world.stages) {
    if (!names.has(stage.name)) continue;
    // What a frozen one made stands, whatever becomes of those it reads from.
    const readFrom = stage.policy === 'frozen' ? [] : stage.deps.flatMap((dep) => makersOf(dep, world));
    const above = readFrom.map(({ name }) => outcomes.get(name));
    if (above.includes('failed') || above.includes('blocked')) {
      outcomes.set(stage.name, 'blocked');
      continue;
    }
    const now: World = { ...world, files, lock: { ...world.lock, stages }, runs };
    const isForced = forced?.has(stage.name) === true && stage.policy !== 'frozen';
    let source = now;
    let judged = judge(stage, now);
    // What reads from a stage that has run is not asked for.
    if (pulled && !isForced && stage.policy !== 'always' && !above.includes('ran') && !isBehind(stage)) {
      source = { ...now, ...pulled, runs: new Map([...pulled.runs, ...runs]) };
      if (['run', 'blocked'].includes(judged.verdict)) judged = judge(stage, source);
    }
    const { verdict, result, ...seen } = judged;
    if (verdict === 'skip' && !isForced) {
      outcomes.set(stage.name, 'fresh');
      continue;
    }
    const isThere = ([path, thing]: readonly [string, Thing]): boolean =>
      areSame(thing, thingAt(now, path)) || source.isWhole(thing);
    const isRestored = result && !isForced && [...result.outs].every(isThere);
    if (!isRestored && (stage.fails || stage.policy === 'frozen')) {
      outcomes.set(stage.name, 'failed');
      continue;
    }
    if (isRestored && ![...result.outs.values()].every(now.has)) save(runs, result);
    const outs = isRestored ? result.outs : madeBy(stage, now);
    const recorded = isRestored ? result : { ...seen, outs };
    for (const [path, thing] of outs) files = placed(files, path, thing);
    keep(runs, stages.get(stage.name));
    stages.set(stage.name, recorded);
    if (!isRestored) save(runs, recorded);
    outcomes.set(stage.name, isRestored ? 'restored' : 'ran');
  }
  for (const [name, result] of stages) {
    if (world.stages.some((stage) => stage.name === name)) continue;
    keep(runs, result);
    stages.delete(name);
  }
  const data = new Map([...world.lock.data].filter(([path]) => world.data.includes(path)));
  const hasFailed = [...outcomes.values()].includes('failed');
  return { ...world, files, lock: { stages, data }, runs, code: hasFailed ? 1 : 0, outcomes };
}

function madeBy(stage: Stage, { files, algorithm }: World): Result['outs'] {
  const made = new Map(
    [...stage.make(files)].map(([path, text]): [string, File] => [path, { text, exec: false }]),
  );
  return new Map(stage.outs.map(({ path }) => [path, thingAt({ files: made, algorithm }, path) as Thing]));
}

function save(runs: Map<string, Result>, result: Result): void {
  if (!result.persists) runs.set(result.key, result);
}

function keep(runs: Map<string, Result>, result: Result | undefined): void {
  if (result && !runs.has(result.key)) save(runs, result);
}

/** How `commit` ends. */
export function commit(before: World, names: ReadonlySet<string>): Ending {
  const outcomes = new Map<string, Outcome>();
  const world = syncData(before, names, true);
  if (!world) return { ...before, code: 2, outcomes };
  const taken: World = { ...world, runs: new Map(), has: () => false };
  if (!judgeAll(taken, names)) return { ...world, code: 2, outcomes };
  const stages = new Map(world.lock.stages);
  const runs = new Map(world.runs);
  const done = new Set<string>();
  let code = 0;
  for (const stage of world.stages) {
    const above = stage.deps.flatMap((dep) => makersOf(dep, world)).filter(({ name }) => names.has(name));
    if (!names.has(stage.name) || !above.every(({ name }) => done.has(name))) continue;
    if (stage.policy !== 'frozen' && !stage.deps.every((dep) => thingAt(world, dep))) {
      code = 2;
      continue;
    }
    const { verdict, result: _, ...seen } = judge(stage, { ...taken, lock: { ...world.lock, stages } });
    if (verdict === 'skip') {
      done.add(stage.name);
      continue;
    }
    if (verdict === 'blocked') {
      code = 1;
      continue;
    }
    const outs = new Map(stage.outs.map(({ path }) => [path, thingAt(world, path)]));
    if ([...outs.values()].includes(undefined)) {
      code = 1;
      continue;
    }
    const result = { ...seen, outs: outs as Result['outs'] };
    save(runs, result);
    keep(runs, stages.get(stage.name));
    stages.set(stage.name, result);
    done.add(stage.name);
  }
  return { ...world, lock: { ...world.lock, stages }, runs, code, outcomes };
}

/** How `commit` ends for one tracked input that is there. */
export function commitInput(world: World, path: string): Ending {
  const thing = thingAt(world, path) as Thing;
  const lock = { ...world.lock, data: new Map([...world.lock.data, [path, thing]]) };
  const stood = new Map([...world.stood, [path, markOf(thing)]]);
  return { ...world, lock, stood, code: 0, outcomes: new Map() };
}

export interface LockedThing {
  readonly path: string;
  readonly thing: Thing;
  /** The stage that makes it; none of data. */
  readonly owner?: string;
  readonly inGit: boolean;
}

/** Of all that a lock names, what a command was asked for. */
export type Meant = (one: LockedThing) => boolean;

/** What the lock names that the pipeline still has. */
export function lockedThings(
  { stages, data, lock }: World,
  isMeant: Meant = () => true,
): readonly LockedThing[] {
  const made = stages.flatMap(({ name: owner, outs }) =>
    outs.map(({ path, cache }) => ({
      path,
      thing: lock.stages.get(owner)?.outs.get(path),
      owner,
      inGit: !cache,
    })),
  );
  const tracked = data.map((path) => ({ path, thing: lock.data.get(path), inGit: false }));
  return [...made, ...tracked].filter((one): one is LockedThing => one.thing !== undefined).filter(isMeant);
}

/** How `checkout` ends. */
export function checkOut(world: World, isMeant?: Meant): Ending {
  let { files } = world;
  const stood = new Map(world.stood);
  let code = 0;
  for (const { path, thing } of lockedThings(world, isMeant)) {
    if (areSame(thing, thingAt({ ...world, files }, path))) continue;
    if (!world.has(thing) || !world.isWhole(thing)) {
      code = 1;
      continue;
    }
    files = placed(files, path, thing);
    if (world.data.includes(path)) stood.set(path, markOf(thing));
  }
  return { ...world, files, stood, code, outcomes: new Map() };
}

/** Stages whose commands note that they ran, of those that are to. */
export function expectedRuns({ stages }: World, { outcomes }: Ending): readonly string[] {
  return stages
    .filter(({ isNoted, policy }) => isNoted && policy !== 'frozen')
    .filter(({ name }) => ['ran', 'failed'].includes(outcomes.get(name) ?? ''))
    .map(({ name }) => name)
    .sort();
}
