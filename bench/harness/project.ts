import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from './measure.ts';
import type { Bench } from './trial.ts';

/** Makes a project folder with the given files, in which `lockstep-data` is installed; returns the folder. */
export function makeProject(bench: Bench, name: string, files: Readonly<Record<string, string>>): string {
  const folder = join(bench.dir, name);
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  symlinkSync(bench.installed, join(folder, 'node_modules', 'lockstep-data'));
  writeFiles(folder, files);
  return folder;
}

/** Writes text files below a folder. */
export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** A shell line as a command: for tools whose parts belong together, such as a copy and its flush. */
export function shell(cwd: string, line: string): Command {
  return { argv: ['sh', '-c', line], cwd };
}
