import { join } from 'node:path';
import { PICTURES, bytesOf, generateFiles, scaleDown } from '../generate/files.ts';
import type { Shape } from '../generate/files.ts';
import { forgetTracked, makeDataProject, objectsOf } from '../harness/data-project.ts';
import { countFiles, digestFolder } from '../harness/digest.ts';
import type { Command } from '../harness/measure.ts';
import type { Bench, Contender, Scenario, Trial } from '../harness/trial.ts';

const scenario: Scenario = {
  title: '20,000 files of 100 KiB, beside git, which is told not to compress and flushes nothing',
  rounds: 3,
  // Both make their objects and their data once in a round.
  diskBytes: (quick, rounds) =>
    ((3 + 4 * rounds) * (bytesOf(PICTURES) + PICTURES.files * 4096)) / (quick ? 10 : 1),
  touchedBytes: (quick) => (2 * bytesOf(PICTURES)) / (quick ? 10 : 1),
  prepare(bench) {
    const shape = bench.quick ? scaleDown(PICTURES) : PICTURES;
    const path = bench.peer('git');
    const ours = ourSide(bench, shape);
    const theirs = path === undefined ? undefined : gitSide(bench, path, shape);
    const trial = (name: keyof Side): Trial => ({
      name: NAMES[name],
      contenders: [
        { name: 'lockstep', ...ours[name] },
        ...(theirs === undefined ? [] : [{ name: 'git', ...theirs[name] }]),
      ],
      isNoOp: name === 'addAgain' || name === 'status',
      missing: theirs === undefined ? ['git'] : [],
    });
    return { trials: (Object.keys(NAMES) as (keyof Side)[]).map(trial), warmUp: 'done' };
  },
};

export default scenario;

/** The steps, in their order. */
const NAMES = { add: 'add', addAgain: 'add again', status: 'status', checkout: 'checkout' } as const;

type Side = Readonly<Record<keyof typeof NAMES, Omit<Contender, 'name'>>>;

interface Parts {
  readonly folder: string;
  readonly objects: string;
  /** Forgets everything but the data. */
  readonly forget: () => void;
  readonly commands: Readonly<Record<'add' | 'status' | 'checkout', Command>>;
}

function ourSide(bench: Bench, shape: Shape): Side {
  const folder = makeDataProject(bench, 'lockstep', { shape, as: 'input' });
  return sideOf(bench, {
    folder,
    objects: objectsOf(folder),
    forget: () => forgetTracked(bench, folder),
    commands: {
      add: bench.lockstep(folder, 'repro'),
      status: bench.lockstep(folder, 'status'),
      checkout: bench.lockstep(folder, 'checkout'),
    },
  });
}

function gitSide(bench: Bench, git: string, shape: Shape): Side {
  const folder = join(bench.dir, 'git');
  const at = (...args: readonly string[]): Command => ({ argv: [git, ...args], cwd: folder });
  generateFiles(join(folder, 'data'), shape);
  return sideOf(bench, {
    folder,
    objects: join(folder, '.git', 'objects'),
    forget: () => {
      bench.discard(join(folder, '.git'));
      bench.run(at('init', '-q'));
      // Nothing of it could be made smaller: it would only cost git a minute.
      bench.run(at('config', 'core.compression', '0'));
    },
    commands: {
      add: at('add', 'data'),
      status: at('status', '--short', '--untracked-files=all'),
      checkout: at('checkout-index', '--all'),
    },
  });
}

function sideOf(bench: Bench, { folder, objects, forget, commands }: Parts): Side {
  const data = join(folder, 'data');
  // No two files are alike, and git has no trees before a commit. What is in the objects is seen at the checkout.
  const added = (): string => countFiles(objects);
  return {
    add: { before: forget, command: () => commands.add, check: added },
    addAgain: { command: () => commands.add, check: added },
    status: { command: () => commands.status },
    checkout: {
      before: () => bench.discard(data),
      command: () => commands.checkout,
      check: async () => `${countFiles(data)}, ${await digestFolder(data)}`,
    },
  };
}
