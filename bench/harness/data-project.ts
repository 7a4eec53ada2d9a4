import { existsSync, renameSync } from 'node:fs';
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

/** Makes the project as if nothing had ever been recorded: no cache, no lock; the data stays where it is. */
export function forgetTracked(bench: Bench, folder: string): void {
  bench.discard(...['.lockstep', 'pipeline.lock', '.gitignore'].map((name) => join(folder, name)));
}

/** Makes the project as if the stage had never run: the folder lies prepared, writable, on the disk; no cache, no lock. */
export function forgetData(bench: Bench, folder: string): void {
  forgetTracked(bench, folder);
  if (existsSync(join(folder, 'data'))) renameSync(join(folder, 'data'), join(folder, 'prepared'));
  bench.run({ argv: ['chmod', '-R', 'u+w', 'prepared'], cwd: folder });
}

/** Where a project keeps its objects. */
export function objectsOf(folder: string): string {
  return join(folder, '.lockstep', 'files');
}
