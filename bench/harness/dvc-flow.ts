import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { bytesOf, generateFiles, scaleDown } from '../generate/files.ts';
import type { Shape } from '../generate/files.ts';
import { makeDataProject, objectsOf, recordData } from './data-project.ts';
import { countFiles, digestFolder } from './digest.ts';
import type { Command } from './measure.ts';
import { makeProject, writeFiles } from './project.ts';
import type { Bench, Contender, Course, Scenario, Trial } from './trial.ts';

const REMOTES = 'default: shelf\nremotes:\n  shelf: { url: ../lockstep-remote }\n';
const COUNT = '  count:\n    cmd: ls data | wc -l > count.txt\n    deps: [data]\n    outs: [count.txt]\n';

/**
 * One user's day with a large folder, step by step beside DVC: add, status, push, fetch, checkout, repro, each also when
 * there is nothing to do. Both keep their defaults: tracked files are copied. Only `checkout by link` uses hard links, which
 * ours takes for the outs of stages, and DVC when it is told to: there it stands beside both ways of DVC's.
 */
export function dvcFlow(title: string, shape: Shape): Scenario {
  return {
    title,
    rounds: 3,
    // Each side makes data and objects twice in a round and its remote once; DVC places its data a third time.
    diskBytes: (quick, rounds) =>
      ((4 + 12 * rounds) * (bytesOf(shape) + shape.files * 4096)) / (quick ? 10 : 1),
    touchedBytes: (quick) => (3 * (bytesOf(shape) + shape.files * 4096)) / (quick ? 10 : 1),
    prepare: (bench) => prepareFlow(bench, bench.quick ? scaleDown(shape) : shape),
  };
}

function prepareFlow(bench: Bench, shape: Shape): Course {
  generateFiles(join(bench.dir, 'source'), shape);
  const path = bench.peer('dvc');
  const ours = ourSide(bench, shape);
  const theirs = path === undefined ? undefined : dvcSide(bench, path);
  const trial = (name: keyof Side): Trial => ({
    name: NAMES[name],
    contenders: [{ name: 'lockstep', ...ours[name] }, ...peersIn(name, theirs)],
    isNoOp: NO_OPS.has(name),
    times: NO_OPS.has(name) && !LEAVES_AN_INDEX.has(name) ? 5 : 1,
    missing: theirs === undefined ? ['dvc', ...(name === 'checkoutByLink' ? ['dvc by link'] : [])] : [],
  });
  return { trials: (Object.keys(NAMES) as (keyof Side)[]).map(trial), warmUp: 'done' };
}

function peersIn(name: keyof Side, dvc: Side | undefined): readonly Contender[] {
  if (dvc === undefined) return [];
  if (name !== 'checkoutByLink') return [{ name: 'dvc', ...dvc[name] }];
  return [
    { name: 'dvc', ...dvc.checkout },
    { name: 'dvc by link', ...dvc.checkoutByLink },
  ];
}

/** The steps, in their order. */
const NAMES = {
  add: 'add',
  addAgain: 'add again',
  status: 'status',
  push: 'push',
  pushAgain: 'push again',
  fetch: 'fetch',
  fetchAgain: 'fetch again',
  checkout: 'checkout',
  checkoutAgain: 'checkout again',
  reproAgain: 'repro again',
  checkoutByLink: 'checkout by link',
} as const;

const NO_OPS: ReadonlySet<keyof Side> = new Set([
  'addAgain',
  'status',
  'pushAgain',
  'fetchAgain',
  'checkoutAgain',
  'reproAgain',
]);
/** In the first of these DVC makes itself an index, by which the next takes half as long: a user pushes once. */
const LEAVES_AN_INDEX: ReadonlySet<keyof Side> = new Set(['pushAgain', 'fetchAgain']);

type Step = Omit<Contender, 'name'>;
type Side = Readonly<Record<keyof typeof NAMES, Step>>;

interface Parts {
  readonly folder: string;
  readonly linked: string;
  /** Folder of the objects below a project. */
  readonly objectsOf: (folder: string) => string;
  readonly remote: string;
  /** Forgets everything but the data. */
  readonly forget: () => void;
  /** Adds the stage that counts, and runs it. */
  readonly count: () => void;
  readonly commands: Readonly<Record<'add' | 'status' | 'push' | 'fetch' | 'checkout' | 'repro', Command>>;
  readonly linkedCheckout: Command;
}

function ourSide(bench: Bench, shape: Shape): Side {
  const folder = makeProject(bench, 'lockstep', { 'remotes.yaml': REMOTES });
  const linked = makeDataProject(bench, 'lockstep-linked', { shape, as: 'out' });
  recordData(bench, linked);
  const remote = join(bench.dir, 'lockstep-remote');
  return sideOf(bench, {
    folder,
    linked,
    objectsOf,
    remote,
    forget: () => {
      const made = ['.lockstep', 'pipeline.lock', '.gitignore', 'count.txt'];
      bench.discard(...made.map((name) => join(folder, name)));
      writeFiles(folder, { 'pipeline.yaml': 'data: [data]\n' });
    },
    count: () => {
      writeFiles(folder, { 'pipeline.yaml': `data: [data]\nstages:\n${COUNT}` });
      bench.run(bench.lockstep(folder, 'repro'));
    },
    commands: {
      add: bench.lockstep(folder, 'repro'),
      status: bench.lockstep(folder, 'status'),
      push: bench.lockstep(folder, 'push'),
      fetch: bench.lockstep(folder, 'fetch'),
      checkout: bench.lockstep(folder, 'checkout'),
      repro: bench.lockstep(folder, 'repro'),
    },
    linkedCheckout: bench.lockstep(linked, 'checkout'),
  });
}

function dvcSide(bench: Bench, dvc: string): Side {
  const folder = join(bench.dir, 'dvc');
  const linked = join(bench.dir, 'dvc-linked');
  const remote = join(bench.dir, 'dvc-remote');
  const siteOf = (project: string): string => `${project}-site`;
  const at = (cwd: string, ...args: readonly string[]): Command => ({
    argv: [dvc, ...args],
    cwd,
    // Its index of known states lies outside of the project, and is forgotten with it.
    env: { DVC_SITE_CACHE_DIR: siteOf(cwd) },
  });
  const init = (cwd: string): void => {
    mkdirSync(cwd, { recursive: true });
    bench.run(at(cwd, 'init', '--no-scm', '-q', '-f'));
    bench.run(at(cwd, 'remote', 'add', '-d', 'shelf', remote));
  };
  init(linked);
  bench.run(at(linked, 'config', 'cache.type', 'hardlink'));
  cpSync(join(bench.dir, 'source'), join(linked, 'data'), { recursive: true });
  bench.run(at(linked, 'add', '-q', 'data'));
  return sideOf(bench, {
    folder,
    linked,
    objectsOf: (project) => join(project, '.dvc', 'cache', 'files'),
    remote,
    forget: () => {
      bench.discard(folder, siteOf(folder));
      init(folder);
    },
    count: () => {
      writeFiles(folder, { 'dvc.yaml': `stages:\n${COUNT}` });
      bench.run(at(folder, 'repro', '-q'));
    },
    commands: {
      add: at(folder, 'add', '-q', 'data'),
      status: at(folder, 'status'),
      push: at(folder, 'push', '-q'),
      fetch: at(folder, 'fetch', '-q'),
      checkout: at(folder, 'checkout', '-q'),
      repro: at(folder, 'repro', '-q'),
    },
    linkedCheckout: at(linked, 'checkout', '-q'),
  });
}

function sideOf(bench: Bench, { folder, linked, remote, commands, linkedCheckout, ...parts }: Parts): Side {
  const data = join(folder, 'data');
  const cached = (): Promise<string> => digestFolder(parts.objectsOf(folder));
  const placed = async (path: string): Promise<string> => `${countFiles(path)}, ${await digestFolder(path)}`;
  return {
    add: {
      before: () => {
        parts.forget();
        bench.discard(data, remote);
        bench.run({ argv: ['cp', '-r', join(bench.dir, 'source'), data], cwd: bench.dir });
        mkdirSync(remote);
      },
      command: () => commands.add,
      check: cached,
    },
    addAgain: { command: () => commands.add, check: cached },
    status: { command: () => commands.status },
    push: { command: () => commands.push, check: () => digestFolder(remote) },
    pushAgain: { command: () => commands.push, check: () => digestFolder(remote) },
    fetch: {
      before: () => bench.discard(parts.objectsOf(folder)),
      command: () => commands.fetch,
      check: cached,
    },
    fetchAgain: { command: () => commands.fetch, check: cached },
    checkout: {
      before: () => bench.discard(data),
      command: () => commands.checkout,
      check: () => placed(data),
    },
    checkoutAgain: { command: () => commands.checkout, check: () => placed(data) },
    reproAgain: { before: parts.count, command: () => commands.repro, check: () => placed(data) },
    checkoutByLink: {
      before: () => bench.discard(join(linked, 'data')),
      command: () => linkedCheckout,
      check: () => placed(join(linked, 'data')),
    },
  };
}
