import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { rigAt } from '../rig.ts';
import type { Ran, Rig } from '../rig.ts';

/** A shell stage, a module stage with a folder and a file that git keeps, and one that goes on from its old out. */
const PIPELINE = `name: crash
data: [given.bin]
stages:
  copy:
    cmd: cat in.txt > copy.txt
    deps: [in.txt]
    outs: [copy.txt]
  split:
    run: split.ts
    deps: { text: copy.txt }
    outs:
      parts: parts/
      note: { path: note.json, cache: false }
  grow:
    cmd: wc -l < copy.txt >> grown.txt && chmod +x grown.txt
    deps: [copy.txt]
    outs: [{ grown.txt: { persist: true } }]
`;

const SPLIT = `import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
export default ({ deps, outs }) => {
  const lines = readFileSync(deps.text, 'utf8').trim().split('\\n');
  mkdirSync(join(outs.parts, 'deep'), { recursive: true });
  for (const [index, line] of lines.entries()) writeFileSync(join(outs.parts, index === 0 ? 'deep/0' : String(index)), line);
  writeFileSync(outs.note, JSON.stringify({ lines: lines.length }));
};
`;

/** What a project of these tests consists of. */
export const FILES: Readonly<Record<string, string>> = {
  'pipeline.yaml': PIPELINE,
  'split.ts': SPLIT,
  'in.txt': 'one\ntwo\nthree\n',
  'given.bin': 'given\n',
  'remotes.yaml': 'remotes:\n  origin: { url: remote }\n',
  'package.json': '{ "type": "module" }\n',
};

/** Everything that stages make, and the data that no stage makes. */
export const OUTS: readonly string[] = ['copy.txt', 'parts', 'note.json', 'grown.txt', 'given.bin'];

/** A command and the project in which it is to be disturbed. */
export interface Scenario {
  readonly name: string;
  readonly args: readonly string[];
  /** `FILES` when absent. */
  readonly files?: Readonly<Record<string, string>>;
  /** `OUTS` when absent. */
  readonly outs?: readonly string[];
  /** Makes the project ready for the command; `run` must end well. */
  prepare(rig: Rig, run: (...args: readonly string[]) => Promise<Ran>): Promise<void>;
}

/** Never in place: the old inode may be an object of the cache. */
function replace(rig: Rig, name: string, text: string): void {
  rig.remove(name);
  rig.write(name, text);
}

/** The files of a project whose only stage makes so many files in one folder, `made`. */
export const makes = (count: number): Readonly<Record<string, string>> => ({
  'pipeline.yaml': 'name: many\nstages:\n  make: { run: make.ts, outs: { made: made/ } }\n',
  'make.ts': `import { mkdirSync, writeFileSync } from 'node:fs';
export default ({ outs }) => {
  mkdirSync(outs.made, { recursive: true });
  for (let index = 0; index < ${count}; index++) writeFileSync(outs.made + '/' + index, 'file ' + index);
};
`,
  'remotes.yaml': 'remotes:\n  origin: { url: remote }\n',
  'package.json': '{ "type": "module" }\n',
});

/** More than `flush.ts` flushes one by one. */
const DOZENS = { files: makes(20), outs: ['made'] } as const;

const SECOND = 'one\n2\nthree\nfour\n';

/** Every command that changes something, in a project in which it has something to change. */
export const SCENARIOS: readonly Scenario[] = [
  { name: 'a first repro', args: ['repro'], prepare: async () => {} },
  {
    name: 'a repro over old outs',
    args: ['repro'],
    async prepare(rig, run) {
      await run('repro');
      rig.write('in.txt', SECOND);
    },
  },
  {
    name: 'a repro that restores',
    args: ['repro'],
    async prepare(rig, run) {
      await run('repro');
      rig.write('in.txt', SECOND);
      await run('repro');
      rig.write('in.txt', FILES['in.txt'] ?? '');
    },
  },
  {
    name: 'commit',
    args: ['commit'],
    async prepare(rig, run) {
      await run('repro');
      for (const name of ['copy.txt', 'parts/1', 'grown.txt', 'given.bin'])
        replace(rig, name, `${rig.read(name)}by hand\n`);
      // The same bytes in a file of its own, which is to become one inode with its object.
      replace(rig, 'parts/2', rig.read('parts/2'));
    },
  },
  {
    name: 'checkout',
    args: ['checkout'],
    async prepare(rig, run) {
      await run('repro');
      rig.remove('copy.txt');
      rig.remove('parts/1');
      replace(rig, 'parts/2', 'recorded nowhere\n');
      replace(rig, 'parts/more', 'recorded nowhere either\n');
      replace(rig, 'grown.txt', 'recorded nowhere at all\n');
      rig.remove('given.bin');
    },
  },
  {
    name: 'push',
    args: ['push', '--run-cache'],
    prepare: async (_rig, run) => void (await run('repro')),
  },
  {
    name: 'fetch',
    args: ['fetch', '--run-cache'],
    async prepare(rig, run) {
      await run('repro');
      await run('push', '--run-cache');
      rig.remove('.lockstep');
    },
  },
  {
    name: 'pull',
    args: ['pull', '--run-cache'],
    async prepare(rig, run) {
      await run('repro');
      await run('push', '--run-cache');
      rig.remove('.lockstep');
      for (const name of OUTS) rig.remove(name);
    },
  },
  {
    name: 'gc --delete',
    args: ['gc', '--delete'],
    async prepare(rig, run) {
      await run('repro');
      rig.write('in.txt', SECOND);
      await run('repro');
      rig.remove('.lockstep/runs');
    },
  },
  { ...DOZENS, name: 'a first repro of dozens of files', args: ['repro'], prepare: async () => {} },
  {
    ...DOZENS,
    name: 'push of dozens of files',
    args: ['push', '--run-cache'],
    prepare: async (_rig, run) => void (await run('repro')),
  },
];

/** Makes a scenario's project in a new folder. */
export async function prepare(scenario: Scenario, root: string): Promise<Rig> {
  mkdirSync(root, { recursive: true });
  const rig = rigAt(root, scenario.files ?? FILES);
  await scenario.prepare(rig, async (...args) => {
    const ran = await rig.lockstep(args);
    if (ran.code !== 0) throw new Error(`${args.join(' ')} failed:\n${ran.stdout}${ran.stderr}`);
    return ran;
  });
  return rig;
}

/** A copy with modes, times and hard links as they are. */
export function copyProject(from: string, to: string): Rig {
  mkdirSync(dirname(to), { recursive: true });
  execFileSync('cp', ['-a', from, to]);
  return rigAt(to);
}

/** A fresh place below a folder; what was there is gone. */
export function freshPlace(folder: string, name: string): string {
  const place = join(folder, name);
  rmSync(place, { recursive: true, force: true });
  return place;
}

/** The text of a file; empty when there is none. */
export function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** Changes a file in place, a read-only one, too: inode and mode stay. */
export function inPlace(path: string, change: (path: string) => void): void {
  const { mode } = statSync(path);
  chmodSync(path, mode | 0o200);
  change(path);
  chmodSync(path, mode);
}

/** Writes a file in place. */
export function overwrite(path: string, bytes: Uint8Array): void {
  inPlace(path, () => writeFileSync(path, bytes, { flag: 'r+' }));
}
