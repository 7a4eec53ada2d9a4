import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LOCKFILE, parseLock } from '../../../src/record/lockfile.ts';
import { cleanEnv } from '../../rig.ts';
import type { Ran, Rig } from '../../rig.ts';
import { EMPTY, digest, manifestOf } from './world.ts';
import type { Algorithm, File, Files, Lock, Result, Thing, World } from './world.ts';
import type { Ending } from './endings.ts';
import { DATA, INPUTS, SOURCES, modelOf, render } from './project.ts';
import type { Design } from './project.ts';
import { filesBelow, isTemp, leftovers } from '../state.ts';

/** A project, and what the model knows of it beyond what stands on the disk. */
export interface Game {
  rig: Rig;
  design: Design;
  lock: Lock;
  runs: ReadonlyMap<string, Result>;
  stood: ReadonlyMap<string, string>;
  /** Results in the run cache of the remote. */
  shared: ReadonlyMap<string, Result>;
  /** What each text meant that git may bring back. */
  readonly locks: Map<string, Lock>;
  readonly designs: Map<string, Design>;
  readonly remote: string;
  /** Commits to go back to. */
  readonly commits: string[];
  clones: number;
}

export function worldOf({ rig, design, lock, runs, stood }: Game): World {
  const cache = rig.path('.lockstep');
  return {
    stages: modelOf(design),
    data: DATA,
    algorithm: design.algorithm,
    files: readFiles(rig),
    lock,
    runs,
    stood,
    // A list of files that is damaged leaves the cache when it is read.
    has: (thing) =>
      objectsOf(thing).every((object) =>
        object.endsWith('.dir') ? isWhole(cache, object) : existsSync(join(cache, object)),
      ),
    isWhole: (thing) => objectsOf(thing).every((object) => isWhole(cache, object)),
  };
}

const NOT_READ = /^(\.git|\.lockstep|node_modules)(\/|$)|(^|\/)\.gitignore$|^pipeline\.lock$/;

export function readFiles(rig: Rig): Files {
  const names = filesBelow(rig.root).filter((name) => !NOT_READ.test(name));
  return new Map(
    names.map((name): [string, File] => [
      name,
      { text: readFileSync(rig.path(name), 'latin1'), exec: (lstatSync(rig.path(name)).mode & 0o100) !== 0 },
    ]),
  );
}

/** The objects a thing consists of, below a cache or remote; its manifest first. */
export function objectsOf({ hash, files }: Thing): readonly string[] {
  const algorithm = hash.slice(0, hash.indexOf(':')) as Algorithm;
  const all = [...files.values()].map((text) => objectOf(algorithm, text));
  return hash.endsWith('.dir') ? [`${objectOf(algorithm, manifestOf(files, algorithm))}.dir`, ...all] : all;
}

export function objectOf(algorithm: Algorithm, text: string): string {
  const hex = digest(algorithm, text);
  return `files/${algorithm}/${hex.slice(0, 2)}/${hex.slice(2)}`;
}

export function isWhole(store: string, object: string): boolean {
  const path = join(store, object);
  const algorithm = object.split('/')[1] as Algorithm;
  return existsSync(path) && objectOf(algorithm, readFileSync(path, 'latin1')) === object.replace('.dir', '');
}

export const isInCache = ({ rig }: Game, object: string): boolean =>
  existsSync(rig.path(`.lockstep/${object}`));

export const isSoundInCache = ({ rig }: Game, object: string): boolean =>
  isWhole(rig.path('.lockstep'), object);

export const isInRemote = ({ remote }: Game, object: string): boolean => existsSync(join(remote, object));

/** What the model takes over from a command that ended as it said. */
export function adopt(game: Game, { lock, runs, stood }: Ending): void {
  Object.assign(game, { lock, runs, stood });
  game.locks.set(lockText(game.rig), lock);
}

export function lockText(rig: Rig): string {
  return existsSync(rig.path(LOCKFILE)) ? rig.read(LOCKFILE) : '';
}

export function write(game: Game, design: Design): void {
  game.design = design;
  for (const [name, text] of Object.entries(render(design)))
    if (textAt(game, name) !== text) game.rig.write(name, text);
  game.designs.set(textsOf(game), design);
}

const textAt = ({ rig }: Game, name: string): string | undefined =>
  existsSync(rig.path(name)) ? rig.read(name) : undefined;

const textsOf = (game: Game): string => SOURCES.map((name) => textAt(game, name) ?? '').join('\0');

/** False for what git has made of two pipelines or locks: nobody designed it. */
export function isKnown(game: Game): boolean {
  const text = lockText(game.rig);
  return game.designs.has(textsOf(game)) && (text === '' || game.locks.has(text));
}

/** After git has moved files: what they mean is known from when they were written. */
export function recall(game: Game): void {
  const text = lockText(game.rig);
  game.lock = text === '' ? EMPTY : (game.locks.get(text) as Lock);
  assert.ok(game.lock, `an unknown lock: ${text}`);
  game.design = game.designs.get(textsOf(game)) as Design;
  assert.ok(game.design);
}

export function git({ rig }: Game, ...args: readonly string[]): string {
  return execFileSync('git', args, {
    cwd: rig.root,
    env: cleanEnv(),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** What a user commits: the pipeline, its inputs, the lock, and the outs that git keeps. */
export function save(game: Game): void {
  const outs = worldOf(game).stages.flatMap((stage) => stage.outs);
  const kept = outs.filter(({ cache }) => !cache).map(({ path }) => path);
  const paths = [...SOURCES, ...INPUTS, 'remotes.yaml', LOCKFILE, ...kept].filter((path) =>
    existsSync(game.rig.path(path)),
  );
  git(game, 'add', '-u');
  git(game, 'add', '--', ...paths, ':(glob)**/.gitignore');
  git(game, 'commit', '-q', '--allow-empty', '-m', 'x');
  game.commits.push(git(game, 'rev-parse', 'HEAD').trim());
}

/** What holds after each command, whatever it was; `before`: what stood there. */
export async function assertEnded(game: Game, ran: Ran, ending: Ending, before: Files): Promise<void> {
  const { rig } = game;
  const said = `${ran.stdout}${ran.stderr}`;
  assert.doesNotMatch(said, /internal\.bug|^\s+at .*:\d+:\d+/m, said);
  assert.equal(ran.code, ending.code, said);
  const after = readFiles(rig);
  assert.deepEqual(textsIn(after), textsIn(ending.files), said);
  assert.deepEqual(await readLock(rig), toPlain(ending.lock), said);
  const lost = [...before].filter(
    ([name, { text }]) =>
      after.get(name)?.text !== text && !isWhole(rig.path('.lockstep'), objectOf(ending.algorithm, text)),
  );
  assert.deepEqual(lost, [], `bytes are lost: ${said}`);
  assert.deepEqual(leftovers(rig.root), [], said);
}

const textsIn = (files: Files): Readonly<Record<string, string>> =>
  Object.fromEntries([...files].map(([name, { text, exec }]) => [name, exec ? `${text}(executable)` : text]));

/** What a lock records, without what the model does not know. */
async function readLock(rig: Rig): Promise<unknown> {
  const { stages, data } = await parseLock(lockText(rig) || 'lockfile: 1\n');
  const mark = ({ hash, exec = false }: { hash: string; exec?: boolean }): string => `${hash} ${exec}`;
  return {
    stages: Object.fromEntries(
      [...stages].map(([name, { fingerprint, outs }]) => [
        name,
        {
          deps: Object.fromEntries(fingerprint.deps.map(({ path, hash }) => [path, hash])),
          outs: Object.fromEntries(outs.map((one) => [one.path, mark(one)])),
        },
      ]),
    ),
    data: Object.fromEntries(data.map((one) => [one.path, mark(one)])),
  };
}

function toPlain({ stages, data }: Lock): unknown {
  const marks = (things: ReadonlyMap<string, Thing>): Readonly<Record<string, string>> =>
    Object.fromEntries([...things].map(([path, { hash, exec }]) => [path, `${hash} ${exec}`]));
  return {
    stages: Object.fromEntries(
      [...stages].map(([name, { deps, outs }]) => [
        name,
        { deps: Object.fromEntries(deps), outs: marks(outs) },
      ]),
    ),
    data: marks(data),
  };
}

/** A command that leaves everything as it is. */
export const unchanged = (world: World, code: number): Ending => ({ ...world, code, outcomes: new Map() });

/** Gives a command, and looks whether it ends as it is to. */
export async function play(
  game: Game,
  args: readonly string[],
  endingOf: (world: World) => Ending,
): Promise<Ran> {
  const world = worldOf(game);
  const ending = endingOf(world);
  const ran = await game.rig.lockstep(args);
  await assertEnded(game, ran, ending, world.files);
  adopt(game, ending);
  return ran;
}

/** The shell stages that have run since this was last asked, sorted. */
export function takeRuns({ rig }: Game): readonly string[] {
  const log = join(rig.root, '../runs');
  const names = existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(0, -1) : [];
  rig.remove('../runs');
  return names.sort();
}

/** Objects of the cache, by their paths below it. */
export const objectsIn = ({ rig }: Game): readonly string[] =>
  filesBelow(rig.path('.lockstep'), 'files').filter((name) => !isTemp(name));
