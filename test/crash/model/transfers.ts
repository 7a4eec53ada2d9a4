import assert from 'node:assert/strict';
import { join } from 'node:path';
import { rigAt } from '../../rig.ts';
import { checkOut, lockedThings } from './endings.ts';
import type { LockedThing, Meant } from './endings.ts';
import {
  assertEnded,
  git,
  isInCache,
  isInRemote,
  isSoundInCache,
  objectsIn,
  objectsOf,
  play,
  recall,
  save,
  unchanged,
  worldOf,
} from './game.ts';
import type { Game } from './game.ts';
import { areSame, thingAt } from './world.ts';
import type { Lock, Thing } from './world.ts';
import type { Seeded } from '../seeded.ts';

/** What the locks of git and the workspace keep, and the run cache: exactly that stays. */
export async function collect(game: Game): Promise<void> {
  const before = objectsIn(game);
  const lockAt = (commit: string): Lock | undefined =>
    git(game, 'ls-tree', commit, 'pipeline.lock') === ''
      ? undefined
      : game.locks.get(git(game, 'show', `${commit}:pipeline.lock`));
  const refs = git(game, 'for-each-ref', '--format=%(objectname)', 'refs/heads', 'refs/tags');
  const commits = `${refs}${git(game, 'stash', 'list', '--format=%H')}`.split('\n').slice(0, -1);
  const locks = [game.lock, lockAt('HEAD')].filter((lock) => lock !== undefined);
  const results = [...locks.flatMap(({ stages }) => [...stages.values()]), ...game.runs.values()];
  const roots = [
    ...results.flatMap(({ outs }) => [...outs.values()]),
    ...[...locks, ...commits.map(lockAt)].flatMap((lock) => [...(lock?.data.values() ?? [])]),
  ];
  const reached = new Set<string>();
  let isDamaged = false;
  for (const thing of roots) {
    const [first = '', ...files] = objectsOf(thing);
    reached.add(first);
    if (!before.includes(first)) continue;
    for (const file of files) reached.add(file);
    if (files.length > 0 && !isSoundInCache(game, first)) isDamaged = true;
  }
  const world = worldOf(game);
  const ran = await game.rig.lockstep(['gc', '--delete']);
  await assertEnded(game, ran, unchanged(world, isDamaged ? 1 : 0), new Map());
  const kept = isDamaged ? before : before.filter((object) => reached.has(object));
  assert.deepEqual(objectsIn(game), kept, ran.stdout);
}

/** What a transfer is asked for: all, with the run cache or without, or what one word names. */
export interface Asked {
  readonly args: readonly string[];
  readonly isMeant?: Meant;
}

export const WITH_RUNS: Asked = { args: ['--run-cache'] };

/** A stage, or an out or tracked input by its path; all where nothing is recorded. */
export function askOne(game: Game, seeded: Seeded): Asked | undefined {
  const things = lockedThings(worldOf(game));
  if (things.length === 0) return undefined;
  const { path, owner } = seeded.pick(things);
  return owner === undefined || seeded.below(2) === 0
    ? { args: [path], isMeant: (one) => one.path === path }
    : { args: [owner], isMeant: (one) => one.owner === owner };
}

export async function push(game: Game, { args, isMeant }: Asked = { args: [] }): Promise<void> {
  const canGo = (thing: Thing): boolean =>
    objectsOf(thing).every((object) => isInRemote(game, object) || isSoundInCache(game, object));
  const { has } = worldOf(game);
  const withRuns = args.includes('--run-cache');
  const things = lockedThings(worldOf(game), isMeant);
  const code = things.every(({ thing, inGit }) => inGit || canGo(thing)) ? 0 : 1;
  const going = things.filter(({ thing, inGit }) => !inGit && canGo(thing));
  const shared = [...game.runs].filter(([, { outs }]) =>
    [...outs.values()].every((thing) => has(thing) && canGo(thing)),
  );
  const ran = await play(game, ['push', ...args], (world) => unchanged(world, code));
  if (withRuns) game.shared = new Map([...game.shared, ...shared]);
  for (const object of going.flatMap(({ thing }) => objectsOf(thing)))
    assert.ok(isInRemote(game, object), `${object} was not pushed: ${ran.stderr}`);
}

/** A manifest is read, and taken out when it is damaged; files are looked into only when they are placed. */
const countsAsHere = (game: Game, object: string): boolean =>
  object.endsWith('.dir') ? isSoundInCache(game, object) : isInCache(game, object);

/** Git has, or ought to have, what no remote need have. */
const isLacking = (game: Game, { thing, inGit }: LockedThing): boolean =>
  !inGit && !objectsOf(thing).every((object) => countsAsHere(game, object) || isInRemote(game, object));

export async function fetch(game: Game, { args, isMeant }: Asked = { args: [] }): Promise<void> {
  const things = lockedThings(worldOf(game), isMeant);
  const lacking = things.filter((one) => isLacking(game, one));
  const ran = await play(game, ['fetch', ...args], (world) => unchanged(world, lacking.length > 0 ? 1 : 0));
  const { has } = worldOf(game);
  for (const one of things)
    assert.ok(
      one.inGit || lacking.includes(one) || has(one.thing),
      `${one.thing.hash} was not fetched: ${ran.stderr}`,
    );
}

export async function pull(game: Game, { args, isMeant }: Asked = { args: [] }): Promise<void> {
  const hadRuns = game.runs;
  await play(game, ['pull', ...args], (world) => {
    const has = (thing: Thing): boolean =>
      objectsOf(thing).every((object) => countsAsHere(game, object) || isInRemote(game, object));
    const isWhole = (thing: Thing): boolean =>
      objectsOf(thing).every((object) =>
        countsAsHere(game, object) ? isSoundInCache(game, object) : isInRemote(game, object),
      );
    const ending = checkOut({ ...world, has, isWhole }, isMeant);
    const isComplete = lockedThings(world, isMeant).every((one) => !isLacking(game, one));
    return isComplete ? ending : { ...ending, code: 1 };
  });
  if (!args.includes('--run-cache')) return;
  const { has } = worldOf(game);
  const come = [...game.shared].filter(
    ([key, { outs }]) => !hadRuns.has(key) && [...outs.values()].every(has),
  );
  game.runs = new Map([...hadRuns, ...come]);
}

/** Commits, pushes, clones, and goes on in the clone. */
export async function clone(game: Game, asked?: Asked): Promise<void> {
  save(game);
  await push(game, asked);
  const root = join(game.rig.root, `../clone${++game.clones}`);
  git(game, 'clone', '-q', '.', root);
  game.rig.remove('.');
  game.rig = rigAt(root);
  Object.assign(game, { runs: new Map(), stood: new Map() });
  game.commits.splice(0, Infinity, git(game, 'rev-parse', 'HEAD').trim());
  recall(game);
  await pull(game, asked);
}

export async function verify(game: Game): Promise<void> {
  const world = worldOf(game);
  const things = lockedThings(world);
  const isHere = things.every(({ path, thing }) => areSame(thing, thingAt(world, path)));
  const isGood =
    isHere &&
    things.every(({ thing }) => world.has(thing)) &&
    objectsIn(game).every((object) => isSoundInCache(game, object));
  const ran = await game.rig.lockstep(['verify', '--read-data']);
  // What is damaged may be what nothing names any more.
  const code = isGood ? 0 : isHere ? (ran.code ?? -1) : 1;
  await assertEnded(game, ran, unchanged(world, code), new Map());
  const bad = things
    .flatMap(({ thing }) => objectsOf(thing))
    .filter((object) => isInCache(game, object) && !isSoundInCache(game, object));
  assert.deepEqual(bad, [], ran.stderr);
}
