import { lstatSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { byCodeUnit } from '../base/path.ts';
import type { Pipeline } from '../base/types.ts';
import { readIfExists, sweepTemps, writeFileAtomic } from '../io/files.ts';

/** All of them at once and not each with its stage, so that the order in which stages end leaves no trace. */
export function pathsToIgnore(pipeline: Pipeline): readonly string[] {
  const outs = pipeline.stages.flatMap((stage) => stage.outs.filter((out) => out.cache));
  return [...outs, ...pipeline.data].map(({ path }) => path);
}

/**
 * Keeps cached paths out of git: one `.gitignore` per folder, as DVC does, each line anchored and escaped. Lines that
 * are there already, and everything else in the file, stay as they are. Returns the files that were changed.
 */
export function ignorePaths(root: string, paths: readonly string[]): readonly string[] {
  const changed: string[] = [];
  for (const { folder, path, before, lines } of lackingLines(root, paths)) {
    const gap = before === '' || before.endsWith('\n') ? '' : '\n';
    // What a killed command left here would lie among the user's files.
    sweepTemps(join(root, folder));
    writeFileAtomic(join(root, path), `${before}${gap}${lines.join('\n')}\n`, { durable: false });
    changed.push(path);
  }
  return changed;
}

/** True when `ignorePaths` would write nothing. */
export function areIgnored(root: string, paths: readonly string[]): boolean {
  return lackingLines(root, paths).next().done === true;
}

/** The `.gitignore` files that speak of paths. */
export function gitignoresOf(paths: readonly string[]): readonly string[] {
  return [...new Set(paths.map((path) => gitignoreIn(dirname(path))))];
}

/** A `.gitignore` that lacks lines. */
interface Lacking {
  readonly folder: string;
  readonly path: string;
  readonly before: string;
  readonly lines: readonly string[];
}

function* lackingLines(root: string, paths: readonly string[]): Generator<Lacking, void, undefined> {
  for (const [folder, names] of Map.groupBy(paths, (path) => dirname(path))) {
    if (!isPlain(root, folder)) continue;
    const path = gitignoreIn(folder);
    const before = readIfExists(join(root, path))?.toString('utf8') ?? '';
    const there = new Set(before.split(/\r?\n/));
    const lines = names
      .map((path) => toPattern(basename(path)))
      .filter((line) => !there.has(line) && !there.has(`${line}/`));
    if (lines.length > 0) yield { folder, path, before, lines: lines.sort(byCodeUnit) };
  }
}

function gitignoreIn(folder: string): string {
  return join(folder, '.gitignore');
}

/** A folder that is there, or can be made, without following a link: what lies behind one is not ours. */
function isPlain(root: string, folder: string): boolean {
  const parts = folder.split('/');
  return parts.every((_, depth) => {
    const stat = lstatSync(join(root, ...parts.slice(0, depth + 1)), { throwIfNoEntry: false });
    return stat === undefined || stat.isDirectory();
  });
}

/** A name as an anchored pattern that matches it alone; a line end in it, which no line can hold, as any one character. */
function toPattern(name: string): string {
  const escaped = name.replaceAll(/[\\*?[\]]/g, String.raw`\$&`).replaceAll(/[\r\n]/g, '?');
  return `/${escaped.replace(/[ \t]$/, String.raw`\$&`)}`;
}
