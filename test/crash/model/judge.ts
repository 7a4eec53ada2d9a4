import { areSame, placed, thingAt } from './world.ts';
import type { Out, Result, Stage, Thing, World } from './world.ts';

export type Verdict = 'skip' | 'restore' | 'run' | 'wait' | 'blocked';
export type DataState = 'same' | 'missing' | 'behind' | 'changed' | 'forked';

/** Stages whose outs a path is, lies in or holds. */
export function makersOf(path: string, { stages }: World): readonly Stage[] {
  const isNear = (out: Out): boolean =>
    out.path === path || path.startsWith(`${out.path}/`) || out.path.startsWith(`${path}/`);
  return stages.filter((stage) => stage.outs.some(isNear));
}

export type Reach = 'upstream' | 'downstream' | 'single';

/** The named stages and all they need, or all that reads from them; all when none is named. `fetch` also names `fetch@a`. */
export function selected(
  world: World,
  names: readonly string[],
  reach: Reach = 'upstream',
): ReadonlySet<string> {
  const found = new Set<string>();
  const open = world.stages.filter(
    ({ name }) => names.length === 0 || names.includes(name) || names.includes(name.replace(/@.*/, '')),
  );
  for (let stage = open.pop(); stage; stage = open.pop()) {
    const { name, deps } = stage;
    if (found.has(name)) continue;
    found.add(name);
    if (reach === 'upstream') open.push(...deps.flatMap((dep) => makersOf(dep, world)));
    if (reach === 'downstream')
      open.push(
        ...world.stages.filter((one) =>
          one.deps.some((dep) => makersOf(dep, world).some((maker) => maker.name === name)),
        ),
      );
  }
  return found;
}

export function dataState(path: string, world: World): DataState {
  const { lock, stood } = world;
  const here = thingAt(world, path);
  const recorded = lock.data.get(path);
  if (!here) return 'missing';
  if (areSame(here, recorded)) return 'same';
  if (!recorded) return 'changed';
  const before = stood.get(path);
  if (before === markOf(here)) return 'behind';
  return before === undefined || before === markOf(recorded) ? 'changed' : 'forked';
}

export const markOf = ({ hash, exec }: Thing): string => `${hash} ${exec}`;

/** How `status` and `--dry-run` judge; `undefined` for what is missing. */
export function judgeAll(world: World, names: ReadonlySet<string>): ReadonlyMap<string, Verdict> | undefined {
  let { files } = world;
  for (const path of world.data)
    if (['missing', 'behind'].includes(dataState(path, world)))
      files = placed(files, path, world.lock.data.get(path));
  const verdicts = new Map<string, Verdict>();
  for (const stage of world.stages) {
    if (!names.has(stage.name)) continue;
    const isOpen = (dep: string): boolean =>
      makersOf(dep, world).some((maker) => {
        const verdict = verdicts.get(maker.name);
        const isAround = maker.outs.some((out) => out.path.startsWith(`${dep}/`));
        return ['run', 'wait', 'blocked'].includes(verdict ?? '') || (verdict === 'restore' && isAround);
      });
    const isFrozen = stage.policy === 'frozen';
    if (!isFrozen && stage.deps.some((dep) => !isOpen(dep) && !thingAt({ ...world, files }, dep)))
      return undefined;
    if (!isFrozen && stage.deps.some(isOpen)) {
      verdicts.set(stage.name, 'wait');
      continue;
    }
    const { verdict, result } = judge(stage, { ...world, files });
    verdicts.set(stage.name, verdict);
    for (const [path, thing] of result?.outs ?? []) files = placed(files, path, thing);
  }
  return verdicts;
}

export interface Judged extends Omit<Result, 'outs'> {
  readonly verdict: Verdict;
  readonly result?: Result;
}

export function judge(stage: Stage, world: World): Judged {
  const { lock, runs, has } = world;
  const deps = new Map(stage.deps.map((path) => [path, thingAt(world, path)?.hash ?? '']));
  const key = JSON.stringify([
    stage.identity,
    [...deps],
    stage.outs.map(({ path, persist }) => [path, persist]),
  ]);
  const persists = stage.outs.some(({ persist }) => persist);
  const seen = { key, deps, persists };
  const locked = lock.stages.get(stage.name);
  const isHere = ({ outs }: Result): boolean =>
    [...outs].every(([path, thing]) => areSame(thing, thingAt(world, path)));
  const isKept = ({ outs }: Result): boolean => [...outs.values()].every(has);
  if (stage.policy === 'frozen') {
    if (!locked || ![...locked.outs.keys()].every((path) => stage.outs.some((out) => out.path === path)))
      return { ...seen, verdict: 'blocked' };
    if (isHere(locked)) return { ...seen, verdict: 'skip', result: locked };
    return isKept(locked) ? { ...seen, verdict: 'restore', result: locked } : { ...seen, verdict: 'blocked' };
  }
  if (stage.policy === 'always') return { ...seen, verdict: 'run' };
  if (locked?.key === key) {
    if (isHere(locked)) return { ...seen, verdict: 'skip', result: locked };
    return isKept(locked) ? { ...seen, verdict: 'restore', result: locked } : { ...seen, verdict: 'run' };
  }
  const past = persists ? undefined : runs.get(key);
  return past && isKept(past) ? { ...seen, verdict: 'restore', result: past } : { ...seen, verdict: 'run' };
}
