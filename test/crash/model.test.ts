import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { rigAt } from '../rig.ts';
import { COMMANDS } from './model/commands.ts';
import type { Move } from './model/commands.ts';
import { EDITS } from './model/edits.ts';
import { git, write } from './model/game.ts';
import type { Game } from './model/game.ts';
import { INPUT_FILES, design } from './model/project.ts';
import { EMPTY } from './model/world.ts';
import { createSeeded, sampleOf, seedOf } from './seeded.ts';

const SEED = seedOf(process.env);
const GAMES = sampleOf(process.env, 2) ?? 300;
const MOVES = 24;
/** The moves of one game, as a failure tells them, or fewer of them. */
const SCRIPT = process.env['LOCKSTEP_SCRIPT'];

const ALL: ReadonlyMap<string, Move> = new Map([...Object.entries(EDITS), ...Object.entries(COMMANDS)]);

/** A project that has never run, in a folder of its own below one that holds its remote, too. */
function begin(seed: number): Game {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'lockstep-model-')));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const remote = join(folder, 'remote');
  for (const path of [remote, join(folder, 'work')]) mkdirSync(path);
  const game: Game = {
    rig: rigAt(join(folder, 'work'), {
      ...INPUT_FILES,
      'remotes.yaml': `remotes:\n  origin: { url: ${remote} }\n`,
      '.gitignore': 'node_modules\n',
    }),
    design: design(createSeeded(seed)),
    lock: EMPTY,
    runs: new Map(),
    stood: new Map(),
    shared: new Map(),
    locks: new Map([['', EMPTY]]),
    designs: new Map(),
    remote,
    commits: [],
    clones: 0,
  };
  git(game, 'init', '-q', '-b', 'main');
  write(game, game.design);
  return game;
}

/** As many edits as commands. Each has a seed of its own, so that it does the same in a shorter game. */
function chooseMoves(seed: number): readonly string[] {
  const seeded = createSeeded(seed);
  return Array.from({ length: MOVES }, () => {
    const moves = seeded.below(2) === 0 ? EDITS : COMMANDS;
    return `${seeded.pick(Object.keys(moves))} ${seeded.below(1000)}`;
  });
}

async function playGame(seed: number, moves: readonly string[]): Promise<void> {
  const game = begin(seed);
  const first = ['repro 0', 'commit to git 0'];
  const last = ['mend stages 0', 'bring stages back 0', 'repro 0', 'status in words 0'];
  for (const [index, line] of [...first, ...moves, ...last].entries()) {
    const at = line.lastIndexOf(' ');
    const move = ALL.get(line.slice(0, at));
    assert.ok(move, `there is no move "${line}"`);
    try {
      await move(game, createSeeded(Number(line.slice(at))));
    } catch (error) {
      const played = JSON.stringify(moves.slice(0, Math.max(0, index + 1 - first.length)));
      throw new Error(`LOCKSTEP_SEED=${seed} LOCKSTEP_SCRIPT='${played}', at ${line}: ${String(error)}`, {
        cause: error,
      });
    }
  }
}

const games = Array.from({ length: SCRIPT === undefined ? GAMES : 1 }, (_, index) => SEED + index);
for (const seed of games) {
  test(`commands and edits in any order end as a simple model of the documentation says: game ${seed}`, () =>
    playGame(seed, SCRIPT === undefined ? chooseMoves(seed) : (JSON.parse(SCRIPT) as readonly string[])));
}
