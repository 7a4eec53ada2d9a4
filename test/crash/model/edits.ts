import { appendFileSync, chmodSync, existsSync, statSync, truncateSync, utimesSync } from 'node:fs';
import { dirname } from 'node:path';
import { inPlace } from '../project.ts';
import { INPUTS } from './project.ts';
import type { Design } from './project.ts';
import { git, isKnown, objectsIn, readFiles, recall, save, worldOf, write } from './game.ts';
import type { Game } from './game.ts';
import type { Move } from './commands.ts';
import type { Seeded } from '../seeded.ts';

type Plan = Design['stages'][number];

/** Few texts of one size, so that earlier ones come back. */
const textFor = (seeded: Seeded): string => `v${seeded.below(3)}\n`;

/** Never in place: the old inode may be an object of the cache. */
function replace({ rig }: Game, name: string, text: string): void {
  rig.remove(name);
  rig.write(name, text);
}

function change(
  game: Game,
  isMeant: (plan: Plan) => boolean,
  seeded: Seeded,
  changed: (plan: Plan) => Plan,
): void {
  const meant = game.design.stages.filter(isMeant);
  if (meant.length === 0) return;
  const one = seeded.pick(meant);
  write(game, {
    ...game.design,
    stages: game.design.stages.map((plan) => (plan === one ? changed(plan) : plan)),
  });
}

/** A file of an out that is here. */
function outFile(
  game: Game,
  seeded: Seeded,
  isMeant: (name: string) => boolean = () => true,
): string | undefined {
  const outs = worldOf(game).stages.flatMap((stage) => stage.outs.map(({ path }) => path));
  const names = [...readFiles(game.rig).keys()].filter(
    (name) => isMeant(name) && outs.some((out) => name === out || name.startsWith(`${out}/`)),
  );
  return names.length === 0 ? undefined : seeded.pick(names);
}

/** An empty folder would be something, and not what it was. */
function removeFile(game: Game, name: string): void {
  const folder = dirname(name);
  const others = [...readFiles(game.rig).keys()].filter(
    (one) => one !== name && one.startsWith(`${folder}/`),
  );
  game.rig.remove(folder === '.' || others.length > 0 ? name : folder);
  if (folder.endsWith('/deep') && others.length === 0) removeEmpty(game, dirname(folder));
}

function removeEmpty(game: Game, folder: string): void {
  if (![...readFiles(game.rig).keys()].some((one) => one.startsWith(`${folder}/`))) game.rig.remove(folder);
}

function rename(design: Design, plan: Plan, isFollowed: boolean): Design {
  const [out] = plan.outs;
  if (!out) return design;
  const path = out.path.endsWith('-r') ? out.path.slice(0, -2) : `${out.path}-r`;
  const follow = (dep: string): string =>
    dep === out.path || dep.startsWith(`${out.path}/`) ? `${path}${dep.slice(out.path.length)}` : dep;
  return {
    ...design,
    stages: design.stages.map((one) => {
      if (one === plan) return { ...one, outs: [{ ...out, path }, ...one.outs.slice(1)] };
      return isFollowed ? { ...one, deps: one.deps.map(follow).sort() } : one;
    }),
  };
}

function anObject(game: Game, seeded: Seeded, act: (path: string) => void): void {
  const objects = objectsIn(game);
  if (objects.length > 0) act(game.rig.path(`.lockstep/${seeded.pick(objects)}`));
}

export const EDITS: Readonly<Record<string, Move>> = {
  'edit an input': (game, seeded) => game.rig.write(seeded.pick(INPUTS), textFor(seeded)),
  'touch an input': ({ rig }, seeded) => utimesSync(rig.path(seeded.pick(INPUTS)), new Date(), new Date()),
  'edit a param': (game, seeded) => {
    const key = seeded.pick(Object.keys(game.design.params));
    write(game, { ...game.design, params: { ...game.design.params, [key]: seeded.below(3) } });
  },
  'edit a command': (game, seeded) =>
    change(
      game,
      ({ isModule }) => !isModule,
      seeded,
      (plan) => ({ ...plan, salt: seeded.pick(['x', 'y']) }),
    ),
  'edit a module': (game, seeded) => write(game, { ...game.design, salt: seeded.pick(['x', 'y']) }),
  'edit a comment': (game) => write(game, { ...game.design, comments: game.design.comments + 1 }),
  'break a command': (game, seeded) =>
    change(
      game,
      ({ isModule }) => !isModule,
      seeded,
      (plan) => ({ ...plan, fails: true }),
    ),
  'freeze a stage': (game, seeded) =>
    change(
      game,
      () => true,
      seeded,
      (plan) => ({ ...plan, policy: seeded.pick(['frozen', 'always', 'usual'] as const) }),
    ),
  'mend stages': (game) =>
    write(game, {
      ...game.design,
      stages: game.design.stages.map((plan) => ({ ...plan, fails: false, policy: 'usual' })),
    }),
  'remove a stage': (game, seeded) => {
    if (game.design.stages.filter(({ isRemoved }) => !isRemoved).length > 2)
      change(
        game,
        ({ isRemoved }) => !isRemoved,
        seeded,
        (plan) => ({ ...plan, isRemoved: true }),
      );
  },
  'bring stages back': (game) =>
    write(game, {
      ...game.design,
      stages: game.design.stages.map((plan) => ({ ...plan, isRemoved: false })),
    }),
  'rename an out': (game, seeded) => {
    const plans = game.design.stages.filter(({ items }) => items.length === 0);
    if (plans.length > 0) write(game, rename(game.design, seeded.pick(plans), seeded.below(2) === 0));
  },
  'remove an out': (game, seeded) => {
    const outs = worldOf(game).stages.flatMap((stage) => stage.outs);
    game.rig.remove(seeded.pick(outs).path);
  },
  'replace an out': (game, seeded) => {
    const name = outFile(game, seeded);
    if (name !== undefined) replace(game, name, `by hand ${seeded.below(2)}\n`);
  },
  'write into an out': (game, seeded) => {
    const name = outFile(game, seeded);
    const text = `in place ${seeded.below(2)}\n`;
    if (name !== undefined) inPlace(game.rig.path(name), (path) => appendFileSync(path, text));
  },
  'make an out executable': (game, seeded) => {
    const name = outFile(game, seeded, (one) => !/\/(a|b|more)$/.test(one));
    if (name === undefined) return;
    replace(game, name, game.rig.read(name));
    chmodSync(game.rig.path(name), 0o755);
  },
  'remove a file of a folder': (game, seeded) => {
    const name = outFile(game, seeded, (one) => /\/(a|b|more)$/.test(one));
    if (name !== undefined) removeFile(game, name);
  },
  'add a file to a folder': (game, seeded) => {
    const name = outFile(game, seeded, (one) => one.endsWith('/a'));
    if (name !== undefined) replace(game, `${dirname(name)}/more`, textFor(seeded));
  },
  'put a file among outs': (game, seeded) => game.rig.write('o/stray', textFor(seeded)),
  'edit data': (game, seeded) =>
    replace(game, seeded.pick(['raw.bin', 'rawdir/one', 'rawdir/two']), textFor(seeded)),
  'remove data': (game, seeded) => game.rig.remove(seeded.pick(['raw.bin', 'rawdir'])),
  'make data executable': (game) => {
    if (existsSync(game.rig.path('raw.bin')))
      chmodSync(game.rig.path('raw.bin'), (statSync(game.rig.path('raw.bin')).mode & 0o777) ^ 0o111);
  },
  'remove an object': (game, seeded) =>
    anObject(game, seeded, (path) => game.rig.remove(path.slice(game.rig.root.length + 1))),
  'cut an object': (game, seeded) =>
    anObject(game, seeded, (path) => inPlace(path, () => truncateSync(path, 1))),
  'rot an object': (game, seeded) =>
    anObject(game, seeded, (path) => inPlace(path, () => appendFileSync(path, 'x'))),
  'remove .lockstep': (game) => {
    game.rig.remove('.lockstep');
    Object.assign(game, { runs: new Map(), stood: new Map() });
  },
  'remove what saves time': ({ rig }) => {
    for (const name of ['memo', 'snapshot', 'settled', 'code', 'completion', 'compile'])
      rig.remove(`.lockstep/${name}`);
  },
  'remove the lock': (game) => {
    game.rig.remove('pipeline.lock');
    recall(game);
  },
  'commit to git': save,
  'branch in git': (game) => {
    save(game);
    git(game, 'branch', `b${game.commits.length}`);
  },
  'go back in git': (game, seeded) => {
    git(game, 'checkout', '-q', '-f', seeded.pick(game.commits));
    recall(game);
  },
  'stash in git': (game) => {
    git(game, 'stash', '-q');
    recall(game);
  },
  'pop in git': (game) => {
    if (git(game, 'stash', 'list') === '') return;
    git(game, 'checkout', '-q', '-f', 'HEAD');
    try {
      git(game, 'stash', 'pop', '-q');
    } catch {
      git(game, 'reset', '-q', '--hard');
      git(game, 'stash', 'drop', '-q');
    }
    if (!isKnown(game)) git(game, 'reset', '-q', '--hard');
    recall(game);
  },
};
