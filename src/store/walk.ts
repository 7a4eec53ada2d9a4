import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { join, sep } from 'node:path';
import { PipelineError, isSystemError } from '../base/error.ts';
import { byCodePoint, guardedPart, relPathFault } from '../base/path.ts';

export interface WalkedFile {
  /** Below the walked folder, `/` separators. */
  readonly relpath: string;
  readonly stat: Stats;
}

/** What stands at a path: nothing, a folder with all its files (sorted by code point), or one file (relpath ''). */
export type Walked =
  | { readonly kind: 'missing' }
  | { readonly kind: 'file'; readonly files: readonly [WalkedFile] }
  | { readonly kind: 'tree'; readonly files: readonly WalkedFile[] };

/**
 * `refuse` for outs and data; `follow` for plain deps, where a link that stays inside the project is followed and a
 * `.gitignore` does not count.
 */
export type LinkPolicy = 'refuse' | 'follow';

/**
 * Stats a path and everything below it. Throws `path.special` for symlinks (or, followed, for links out of the
 * project and link loops), FIFOs, sockets and devices, and `path.not-utf8` for names that are no text. In outs and data
 * it refuses names that no manifest may hold (`path.name`): they could be stored, but never restored.
 */
export function walk(root: string, path: string, links: LinkPolicy): Walked {
  // Both are clean already: `join` would look at every character of them again.
  const stat = lstatOf(`${root}${sep}${path}`);
  if (stat === undefined) return { kind: 'missing' };
  if (stat.isSymbolicLink()) return walkLink(root, path, links);
  if (stat.isFile()) return { kind: 'file', files: [{ relpath: '', stat }] };
  if (!stat.isDirectory()) throw special(path, 'is neither a file nor a folder');
  return { kind: 'tree', files: listFiles(root, path, links) };
}

function walkLink(root: string, path: string, links: LinkPolicy): Walked {
  const { stat } = followLink(root, path, links);
  if (stat.isDirectory()) return { kind: 'tree', files: listFiles(root, path, links) };
  return { kind: 'file', files: [{ relpath: '', stat }] };
}

function listFiles(root: string, path: string, links: LinkPolicy): readonly WalkedFile[] {
  const files: WalkedFile[] = [];
  collect({ root, top: path, links, files }, '', []);
  // Names of one folder come in any order, and `a/b` sorts between `a-1` and `a0`.
  return files.sort((a, b) => byCodePoint(a.relpath, b.relpath));
}

interface Collection {
  readonly root: string;
  readonly top: string;
  readonly links: LinkPolicy;
  readonly files: WalkedFile[];
}

const MAX_DEPTH = 256;

/** `leapt`: the folders from which links were followed on the way here. */
function collect(collection: Collection, below: string, leapt: readonly string[]): void {
  const { root, top, links, files } = collection;
  const folder = `${root}${sep}${top}${below === '' ? '' : `/${below}`}`;
  if (below.split('/').length > MAX_DEPTH)
    throw special(`${top}/${below}`, `is nested deeper than ${MAX_DEPTH} folders`);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const name = entry.name;
    const relpath = below === '' ? name : `${below}/${name}`;
    if (name.includes('\uFFFD')) throw notUtf8(`${top}/${relpath}`);
    if (links === 'refuse') refuseName(top, relpath);
    // Ours to write: which outs stand in a folder, and in which order they were made, is no content of a dep around them.
    else if (name === '.gitignore') continue;
    if (entry.isFile()) {
      const stat = statSync(`${folder}/${name}`, { throwIfNoEntry: false });
      if (stat !== undefined) files.push({ relpath, stat });
    } else if (entry.isDirectory()) collect(collection, relpath, leapt);
    else if (entry.isSymbolicLink()) {
      const { stat, real } = followLink(root, `${top}/${relpath}`, links);
      if (!stat.isDirectory()) files.push({ relpath, stat });
      else collect(collection, relpath, leap(`${top}/${relpath}`, realpathSync(folder), { leapt, to: real }));
    } else throw special(`${top}/${relpath}`, 'is neither a file nor a folder');
  }
}

/** Notes a leap; a folder that we are in already would be walked without end. */
function leap(
  path: string,
  from: string,
  { leapt, to }: { readonly leapt: readonly string[]; readonly to: string },
): readonly string[] {
  const here = [...leapt, from];
  if (here.some((folder) => folder === to || folder.startsWith(to + sep)))
    throw special(path, 'is a symbolic link into a folder around itself');
  return here;
}

function followLink(root: string, path: string, links: LinkPolicy): { stat: Stats; real: string } {
  if (links === 'refuse')
    throw special(path, 'is a symbolic link', 'write the file itself instead of a link to it');
  try {
    const real = realpathSync(join(root, path));
    const home = realpathSync(root);
    if (real !== home && !real.startsWith(home + sep))
      throw special(path, 'is a symbolic link out of the project');
    const stat = statSync(real);
    if (!stat.isFile() && !stat.isDirectory()) throw special(path, 'leads to neither a file nor a folder');
    return { stat, real };
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ELOOP')) throw special(path, 'is a symbolic link that leads nowhere');
    throw error;
  }
}

function lstatOf(full: string): Stats | undefined {
  try {
    return lstatSync(full, { throwIfNoEntry: false });
  } catch (error) {
    if (isSystemError(error, 'ENOTDIR')) return undefined;
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
  const fault = relPathFault(relpath) ?? guardedPart(relpath);
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
