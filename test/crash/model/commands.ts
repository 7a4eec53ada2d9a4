import assert from 'node:assert/strict';
import { checkOut, commit, commitInput, expectedRuns, isStuck, reproduce } from './endings.ts';
import type { Asked, Ending } from './endings.ts';
import {
  adopt,
  assertEnded,
  isInCache,
  isInRemote,
  isSoundInCache,
  objectsOf,
  play,
  takeRuns,
  unchanged,
  worldOf,
} from './game.ts';
import type { Game } from './game.ts';
import { dataState, judgeAll, markOf, selected } from './judge.ts';
import type { Reach } from './judge.ts';
import { DATA } from './project.ts';
import { killed, race, together } from './races.ts';
import type { Racer } from './races.ts';
import { WITH_RUNS, askOne, clone, collect, fetch, pull, push, verify } from './transfers.ts';
import { thingAt } from './world.ts';
import type { Thing, World } from './world.ts';
import type { Seeded } from '../seeded.ts';

/** What a player does: changes something, or gives a command and looks at how it ended. */
export type Move = (game: Game, seeded: Seeded) => Promise<void> | void;

interface Event {
  readonly type?: string;
  readonly stage?: string;
  readonly data?: string;
  readonly state?: string;
  readonly outcome?: string;
  readonly verdict?: string;
}

const eventsOf = (text: string): readonly Event[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Event);

const byStage = (events: readonly Event[], key: 'outcome' | 'verdict'): Readonly<Record<string, unknown>> =>
  Object.fromEntries(events.map((event) => [event.stage, event[key]]));

const plain = (map: ReadonlyMap<string, string>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(map);

async function repro(
  game: Game,
  args: readonly string[],
  asked: (world: World) => Asked,
  inJson: boolean,
): Promise<void> {
  const world = worldOf(game);
  const ending = reproduce(world, asked(world));
  const ran = await game.rig.lockstep(['repro', '-k', ...args, ...(inJson ? ['--json'] : [])]);
  await assertEnded(game, ran, ending, world.files);
  if (inJson) {
    const finished = eventsOf(ran.stdout).filter(({ type }) => type === 'stage-finished');
    assert.deepEqual(byStage(finished, 'outcome'), plain(ending.outcomes), ran.stdout);
  }
  assert.deepEqual(takeRuns(game), expectedRuns(world, ending), ran.stdout);
  adopt(game, ending);
}

const all = (world: World): Asked => ({ names: selected(world, []) });

function aStage(game: Game, seeded: Seeded): string {
  return seeded.pick(game.design.stages.filter(({ isRemoved }) => !isRemoved)).name;
}

/** When all is found fresh, what tracked inputs are is noted. */
function noteStood(game: Game, world: World): void {
  const isRemoved = [...world.lock.stages.keys()].some(
    (name) => !world.stages.some((stage) => stage.name === name),
  );
  const verdicts = judgeAll(world, selected(world, []));
  const isFresh = verdicts && [...verdicts.values()].every((verdict) => verdict === 'skip');
  if (isRemoved || !isFresh || DATA.some((path) => dataState(path, world) !== 'same')) return;
  game.stood = new Map([
    ...game.stood,
    ...[...world.lock.data].map(([path, thing]) => [path, markOf(thing)] as const),
  ]);
}

async function status(game: Game, args: readonly string[], names: readonly string[] = []): Promise<void> {
  const world = worldOf(game);
  const verdicts = judgeAll(world, selected(world, names));
  const isDry = args.includes('-n');
  const isRefused = !verdicts || (isDry && isStuck(world, selected(world, names)));
  const ran = await game.rig.lockstep([...args, ...names, '--json']);
  await assertEnded(game, ran, unchanged(world, isRefused ? 2 : 0), world.files);
  if (names.length === 0) noteStood(game, world);
  if (isRefused) return;
  const rows = eventsOf(ran.stdout);
  assert.deepEqual(
    byStage(
      rows.filter(({ verdict }) => verdict !== undefined),
      'verdict',
    ),
    plain(verdicts),
    ran.stdout,
  );
  if (isDry) return;
  const data = Object.fromEntries(
    rows.filter((row) => row.data !== undefined).map((row) => [row.data, row.state]),
  );
  const states = DATA.map((path) => [path, dataState(path, world)] as const).filter(
    ([, state]) => state !== 'same',
  );
  assert.deepEqual(data, Object.fromEntries(states), ran.stdout);
}

/** Told in words, by which a remembered answer may be given. */
async function statusInWords(game: Game, args: readonly string[]): Promise<void> {
  const world = worldOf(game);
  const verdicts = judgeAll(world, selected(world, []));
  const isFresh =
    verdicts &&
    [...verdicts.values()].every((verdict) => verdict === 'skip') &&
    DATA.every((path) => dataState(path, world) === 'same');
  const code = verdicts ? (args.includes('--quiet') && !isFresh ? 1 : 0) : 2;
  const ran = await game.rig.lockstep(args);
  await assertEnded(game, ran, unchanged(world, code), world.files);
  noteStood(game, world);
  if (code === 0 && !args.includes('--quiet'))
    assert.equal(ran.stdout.startsWith('Everything is fresh'), isFresh, ran.stdout);
}

/** What the remote has of the run cache counts as well, and its objects. */
function reproPulling(game: Game): Promise<void> {
  const pulled = {
    has: (thing: Thing) =>
      objectsOf(thing).every((object) => isInCache(game, object) || isInRemote(game, object)),
    isWhole: (thing: Thing) =>
      objectsOf(thing).every((object) =>
        isInCache(game, object) ? isSoundInCache(game, object) : isInRemote(game, object),
      ),
    runs: game.shared,
  };
  return repro(game, ['--pull'], (world) => ({ names: selected(world, []), pulled }), true);
}

function reproOf(game: Game, name: string, reach: Reach = 'upstream'): Promise<void> {
  const flags = reach === 'upstream' ? [] : [`--${reach}`];
  return repro(game, [name, ...flags], (world) => ({ names: selected(world, [name], reach) }), true);
}

const commitAll = (world: World): Ending => commit(world, selected(world, []));

const RACERS: readonly Racer[] = [
  { args: ['repro', '-k'], endingOf: (world) => reproduce(world, all(world)) },
  { args: ['checkout'], endingOf: (world) => checkOut(world) },
  { args: ['commit'], endingOf: commitAll },
];

/** A second repro finds all done by the first, unless something always runs. */
const doesNothingTwice = (game: Game): readonly (readonly string[])[] =>
  worldOf(game).stages.some(({ policy }) => policy === 'always') ? [] : [['repro', '-k']];

const anyRuns = (seeded: Seeded): typeof WITH_RUNS | undefined =>
  seeded.below(2) === 0 ? WITH_RUNS : undefined;

export const COMMANDS: Readonly<Record<string, Move>> = {
  repro: (game) => repro(game, [], all, true),
  'repro in words': (game) => repro(game, [], all, false),
  'repro of one': (game, seeded) => reproOf(game, aStage(game, seeded)),
  'repro of one alone': (game, seeded) => reproOf(game, aStage(game, seeded), 'single'),
  'repro downstream': (game, seeded) => reproOf(game, aStage(game, seeded), 'downstream'),
  'repro with a pull': (game) => reproPulling(game),
  'repro by force': (game, seeded) => {
    const name = aStage(game, seeded);
    return repro(
      game,
      ['--force', name],
      (world) => ({
        names: selected(world, [name]),
        forced: new Set(world.stages.map((one) => one.name).filter((one) => one.replace(/@.*/, '') === name)),
      }),
      true,
    );
  },
  'dry run': (game) => status(game, ['repro', '-n']),
  'dry run of one': (game, seeded) => status(game, ['repro', '-n'], [aStage(game, seeded)]),
  status: (game) => status(game, ['status']),
  'status of one': (game, seeded) => status(game, ['status'], [aStage(game, seeded)]),
  fetch: (game) => fetch(game),
  verify,
  'status in words': (game) => statusInWords(game, ['status']),
  'quiet status': (game) => statusInWords(game, ['status', '--quiet']),
  checkout: async (game) => void (await play(game, ['checkout'], (world) => checkOut(world))),
  'checkout of one': async (game, seeded) => {
    const name = aStage(game, seeded);
    await play(game, ['checkout', name], (world) => {
      const names = selected(world, [name], 'single');
      return checkOut(world, ({ owner }) => owner !== undefined && names.has(owner));
    });
  },
  commit: async (game) => void (await play(game, ['commit'], commitAll)),
  'commit of one': async (game, seeded) => {
    const name = aStage(game, seeded);
    await play(game, ['commit', name], (world) => commit(world, selected(world, [name])));
  },
  'commit of an input': async (game, seeded) => {
    const here = DATA.filter((path) => thingAt(worldOf(game), path));
    if (here.length === 0) return;
    const path = seeded.pick(here);
    await play(game, ['commit', path], (world) => commitInput(world, path));
  },
  'gc --delete': collect,
  push: (game, seeded) => push(game, anyRuns(seeded)),
  pull: (game, seeded) => pull(game, anyRuns(seeded)),
  clone: (game, seeded) => clone(game, anyRuns(seeded)),
  'push of one': (game, seeded) => push(game, askOne(game, seeded)),
  'fetch of one': (game, seeded) => fetch(game, askOne(game, seeded)),
  'pull of one': (game, seeded) => pull(game, askOne(game, seeded)),
  'killed repro': (game, seeded) =>
    killed(game, ['repro', '-k'], seeded, (world) => reproduce(world, all(world))),
  'killed checkout': (game, seeded) => killed(game, ['checkout'], seeded, (world) => checkOut(world)),
  'killed commit': (game, seeded) => killed(game, ['commit'], seeded, commitAll),
  'repro beside another': (game, seeded) =>
    together(
      game,
      seeded.pick([...doesNothingTwice(game), ['status'], ['gc', '--delete'], ['push'], ['verify']]),
    ),
  'two at once': (game, seeded) => race(game, [seeded.pick(RACERS), seeded.pick(RACERS)]),
};
