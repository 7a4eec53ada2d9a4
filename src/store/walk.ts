import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { join, sep } from 'node:path';
import { PipelineError, isSystemError } from '../base/error.ts';
import { byCodePoint, keptPathFault } from '../base/path.ts';
import { isBelow, lstatIfExists } from '../io/files.ts';

/**
 * Told of each file, sorted by the code points of the whole path: the folder below the walked one, empty or ending in `/`,
 * and the name in it. A single file has neither.
 */
export type Visit = (prefix: string, name: string, stat: Stats) => void;

/**
 * `refuse` for outs and data; `follow` for plain deps, where a link that stays inside the project is followed, and
 * `.gitignore`, `.git` and `.lockstep` do not count.
 */
export type LinkPolicy = 'refuse' | 'follow';

export interface WalkOptions {
  readonly links: LinkPolicy;
  readonly visit: Visit;
}

/**
 * Stats a path and everything below it; false when nothing stands there. Throws `path.special` for symlinks (or, followed, for links out of the
 * project and link loops), FIFOs, sockets and devices, and `path.not-utf8` for names that are no text. In outs and data
 * it refuses names that no manifest may hold (`path.name`): they could be stored, but never restored.
 */
export function walk(root: string, path: string, { links, visit }: WalkOptions): boolean {
  // Both are clean already: `join` would look at every character of them again.
  let stat = lstatIfExists(`${root}${sep}${path}`);
  if (stat === undefined) return false;
  if (stat.isSymbolicLink()) ({ stat } = followLink(root, path, links));
  else if (!stat.isFile() && !stat.isDirectory()) throw special(path, 'is neither a file nor a folder');
  if (stat.isDirectory()) collect({ root, top: path, links, visit }, { prefix: '', depth: 0, leapt: [] });
  else visit('', '', stat);
  return true;
}

interface Walk extends WalkOptions {
  readonly root: string;
  readonly top: string;
}

interface Place {
  /** Below the walked folder, empty or ending in `/`. */
  readonly prefix: string;
  readonly depth: number;
  /** The folders from which links were followed on the way here. */
  readonly leapt: readonly string[];
}

const MAX_DEPTH = 256;
const OR_NOTHING = { throwIfNoEntry: false } as const;

/** A folder whose time has not come. */
interface Ahead {
  readonly name: string;
  readonly leapt: Place['leapt'];
}

function collect(walking: Walk, { prefix, depth, leapt }: Place): void {
  const { root, top, links, visit } = walking;
  // Where it can, without the folders above: the system would look each of them up for every file.
  const folder = `${isHere(root) ? '' : root + sep}${top}/${prefix}`;
  if (depth > MAX_DEPTH)
    throw special(`${top}/${prefix.slice(0, -1)}`, `is nested deeper than ${MAX_DEPTH} folders`);
  const { names, isBefore } = listFolder(walking, { prefix, folder });
  // The path decides: `a/b` comes after `a-1` and before `a0`. The last one begins with the name of the one before.
  const ahead: Ahead[] = [];
  const enterBefore = (name?: string): void => {
    for (let next = ahead.at(-1); next; next = ahead.at(-1)) {
      if (name !== undefined && isBefore(name, `${next.name}/`)) return;
      ahead.pop();
      collect(walking, { prefix: `${prefix}${next.name}/`, depth: depth + 1, leapt: next.leapt });
    }
  };
  for (const name of names) {
    if (ahead.length > 0) enterBefore(name);
    // One call for a file, and none of what it returns is kept: a folder may have a million of them.
    const stat = lstatSync(folder + name, OR_NOTHING);
    if (stat === undefined) continue;
    if (stat.isFile()) visit(prefix, name, stat);
    else if (stat.isDirectory()) ahead.push({ name, leapt });
    else if (stat.isSymbolicLink()) {
      const path = `${top}/${prefix}${name}`;
      const link = followLink(root, path, links);
      if (link.stat.isFile()) visit(prefix, name, link.stat);
      else ahead.push({ name, leapt: leap(path, realpathSync(folder), { leapt, to: link.real }) });
    } else throw special(`${top}/${prefix}${name}`, 'is neither a file nor a folder');
  }
  enterBefore();
}

/** True of the working folder, which may be gone. */
function isHere(folder: string): boolean {
  try {
    return folder === process.cwd();
  } catch {
    return false;
  }
}

interface Listed {
  /** Sorted. */
  readonly names: readonly string[];
  readonly isBefore: (a: string, b: string) => boolean;
}

/** Names alone: what each is, the look at it says. */
function listFolder(
  { top, links }: Walk,
  { prefix, folder }: { readonly prefix: string; readonly folder: string },
): Listed {
  const listed = readdirSync(folder);
  // Code units order such text as code points do, and the system's own sort is much faster.
  if (!listed.some((name) => ODD.test(name))) return { names: listed.sort(), isBefore: (a, b) => a < b };
  const names: string[] = [];
  for (const name of listed) {
    if (name.includes('\uFFFD')) throw notUtf8(`${top}/${prefix}${name}`);
    // Which outs stand in a folder, and what git and we keep of what is in it, is no content of a dep around them.
    if (links === 'follow' && UNCOUNTED.has(name)) continue;
    if (links === 'refuse' && ODD.test(name)) refuseName(top, prefix + name);
    names.push(name);
  }
  return { names: names.sort(byCodePoint), isBefore: (a, b) => byCodePoint(a, b) < 0 };
}

interface Link {
  readonly stat: Stats;
  readonly real: string;
}

const UNCOUNTED: ReadonlySet<string> = new Set(['.gitignore', '.git', '.lockstep']);

/** What may be refused, skipped or sorted otherwise: surrogates and above, backslashes, a dot in front, a drive letter. */
const ODD = /[\uD800-\uFFFF\\]|^\.|^.:/;

/** Notes a leap; a folder that we are in already would be walked without end. */
function leap(
  path: string,
  from: string,
  { leapt, to }: { readonly leapt: readonly string[]; readonly to: string },
): readonly string[] {
  const here = [...leapt, from];
  if (here.some((folder) => folder === to || isBelow(folder, to)))
    throw special(path, 'is a symbolic link into a folder around itself');
  return here;
}

function followLink(root: string, path: string, links: LinkPolicy): Link {
  if (links === 'refuse')
    throw special(path, 'is a symbolic link', 'write the file itself instead of a link to it');
  try {
    const real = realpathSync(join(root, path));
    const home = realpathSync(root);
    if (real !== home && !isBelow(real, home)) throw special(path, 'is a symbolic link out of the project');
    const stat = statSync(real);
    if (!stat.isFile() && !stat.isDirectory()) throw special(path, 'leads to neither a file nor a folder');
    return { stat, real };
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ELOOP')) throw special(path, 'is a symbolic link that leads nowhere');
    throw error;
  }
}

function special(
  path: string,
  what: string,
  hint = 'deps and outs are plain files and folders inside the project',
): PipelineError {
  return new PipelineError('path.special', `"${path}" ${what}`, { hint });
}

function refuseName(top: string, relpath: string): void {
  const fault = keptPathFault(relpath);
  if (fault === undefined) return;
  throw new PipelineError('path.name', `"${top}/${relpath}" cannot be kept: the path "${relpath}" ${fault}`, {
    hint: 'rename the file: no other machine could take it over under this name',
  });
}

function notUtf8(path: string): PipelineError {
  return new PipelineError('path.not-utf8', `the name "${path}" is not valid UTF-8`, {
    hint: 'rename the file',
  });
}
