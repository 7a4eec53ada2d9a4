import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { generateFiles } from '../generate/files.ts';
import type { Shape } from '../generate/files.ts';
import { makeProject } from './project.ts';
import type { Bench } from './trial.ts';

/** A project with one large folder `data`: the out of a stage (`out`), or tracked under `data:` (`input`). */
export function makeDataProject(bench: Bench, name: string, { shape, as }: DataProject): string {
  const folder = makeProject(bench, name, {
    'pipeline.yaml':
      as === 'input' ? 'data: [data]\n' : 'stages:\n  make:\n    cmd: mv prepared data\n    outs: [data]\n',
    'remotes.yaml': 'default: shelf\nremotes:\n  shelf: { url: remote }\n',
  });
  generateFiles(join(folder, as === 'input' ? 'data' : 'prepared'), shape);
  return folder;
}

/** What is in the folder, and what it is to the project. */
export interface DataProject {
  readonly shape: Shape;
  readonly as: 'out' | 'input';
}

/** Runs the stage for the first time, so that the folder is in the cache and in the lock. */
export function recordData(bench: Bench, folder: string): void {
  bench.run(bench.lockstep(folder, 'repro'));
}

const RECORDS = ['.lockstep', 'pipeline.lock', '.gitignore'];

/** Makes the project as if nothing had ever been recorded: no cache, no lock; tracked files stay where they are. */
export function forgetTracked(bench: Bench, folder: string): void {
  bench.discard(...RECORDS.map((name) => join(folder, name)));
}

/**
 * The same where files and objects are one inode. It is not put aside: a file that has another name there would be copied
 * and not linked; and who takes one of two names away removes no inode.
 */
export function forgetLinked(folder: string): void {
  for (const name of RECORDS) rmSync(join(folder, name), { recursive: true, force: true });
}

/** Makes the project as if the stage had never run: the folder lies prepared, writable, on the disk; no cache, no lock. */
export function forgetData(bench: Bench, folder: string): void {
  forgetLinked(folder);
  if (existsSync(join(folder, 'data'))) renameSync(join(folder, 'data'), join(folder, 'prepared'));
  bench.run({ argv: ['chmod', '-R', 'u+w', 'prepared'], cwd: folder });
}

/** Where a project keeps its objects. */
export function objectsOf(folder: string): string {
  return join(folder, '.lockstep', 'files');
}
