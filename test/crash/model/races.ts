import assert from 'node:assert/strict';
import type { Ran } from '../../rig.ts';
import { expectedRuns, reproduce } from './endings.ts';
import type { Ending } from './endings.ts';
import { adopt, assertEnded, takeRuns, worldOf } from './game.ts';
import type { Game } from './game.ts';
import { selected } from './judge.ts';
import { thingAt } from './world.ts';
import type { Thing, World } from './world.ts';
import type { Seeded } from '../seeded.ts';
import { recover } from '../trial.ts';

/**
 * Ends a command at some line of its output; then it is given again, and must end as it would have at once, or, for what always
 * runs and goes on from its old outs, as the second time.
 */
export async function killed(
  game: Game,
  args: readonly string[],
  seeded: Seeded,
  endingOf: (world: World) => Ending,
): Promise<void> {
  const world = worldOf(game);
  const ending = endingOf(world);
  const at = 1 + seeded.below(14);
  const running = game.rig.start([...args, '--json']);
  let lines = 0;
  running.process.stdout?.on('data', (chunk: string) => {
    lines += chunk.split('\n').length - 1;
    if (lines >= at) running.process.kill('SIGKILL');
  });
  await running.ended;
  const ran = await game.rig.lockstep(args);
  // Where nothing was left to do, nobody has cleaned up yet.
  await recover(game.rig);
  const mayRun = new Set(expectedRuns(world, ending));
  const end = async (how: Ending): Promise<void> => {
    await assertEnded(game, ran, how, world.files);
    adopt(game, how);
  };
  try {
    await end(ending);
  } catch {
    await end(endingOf(after(world, ending)));
  }
  assert.deepEqual(
    takeRuns(game).filter((name) => !mayRun.has(name)),
    [],
    ran.stdout,
  );
}

/** A repro while another command works that changes nothing for it. */
export async function together(game: Game, args: readonly string[]): Promise<void> {
  const world = worldOf(game);
  const ending = reproduce(world, { names: selected(world, []) });
  const [ran, other] = await Promise.all([game.rig.lockstep(['repro', '-k']), game.rig.lockstep(args)]);
  const said = `${other.stdout}${other.stderr}`;
  assert.doesNotMatch(said, /internal\.bug|^\s+at .*:\d+:\d+/m, said);
  const [first, second] = args.includes('repro') && ran.code !== ending.code ? [other, ran] : [ran, other];
  // What was kept of outs that were replaced is garbage.
  await assertEnded(game, first, ending, args.includes('gc') ? new Map() : world.files);
  assert.ok([0, 1, 2].includes(second.code ?? -1), said);
  if (ending.code !== 1) assert.deepEqual(takeRuns(game), expectedRuns(world, ending), ran.stdout);
  takeRuns(game);
  adopt(game, ending);
}

/** A command that changes the project, and how it ends. */
export interface Racer {
  readonly args: readonly string[];
  readonly endingOf: (world: World) => Ending;
}

/** Two commands at once end as if one had come after the other. */
export async function race(game: Game, racers: readonly [Racer, Racer]): Promise<void> {
  const world = worldOf(game);
  const [one, other] = racers;
  const inOrder = (first: Racer, second: Racer): readonly [Ending, Ending] => {
    const ending = first.endingOf(world);
    return [ending, second.endingOf(after(world, ending))];
  };
  const [before, behind] = [inOrder(one, other), inOrder(other, one)];
  const [ran, another] = await Promise.all(racers.map(({ args }) => game.rig.lockstep(args)));
  assert.ok(ran && another);
  takeRuns(game);
  const said = `${ran.stdout}${ran.stderr}${another.stdout}${another.stderr}`;
  const isEnd = async (
    [first, last]: readonly [Ending, Ending],
    codes: readonly [Ran, Ran],
  ): Promise<void> => {
    await assertEnded(game, { ...codes[1], stderr: said }, last, world.files);
    assert.equal(codes[0].code, first.code, said);
    adopt(game, last);
  };
  try {
    await isEnd(before, [ran, another]);
  } catch {
    await isEnd(behind, [another, ran]);
  }
}

/** The cache has what a command recorded and put, or left, there. */
function after(world: World, { files, lock, runs, stood }: Ending): World {
  const recorded = [...lock.stages.values().flatMap(({ outs }) => [...outs]), ...lock.data];
  const isThere = (thing: Thing): boolean =>
    recorded.some(
      ([path, { hash }]) => hash === thing.hash && thingAt({ ...world, files }, path)?.hash === hash,
    );
  return {
    ...world,
    files,
    lock,
    runs,
    stood,
    has: (thing) => world.has(thing) || isThere(thing),
    isWhole: (thing) => world.isWhole(thing) || isThere(thing),
  };
}
