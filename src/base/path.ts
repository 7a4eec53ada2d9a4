import type { RelPath } from './types.ts';

/** Why a text is not a `RelPath`; `undefined` when it is one. */
export function relPathFault(text: string): string | undefined {
  if (text === '') return 'is empty';
  if (text.includes('\0')) return 'contains a NUL character';
  if (!text.isWellFormed()) return 'contains half a character';
  if (text.includes('\\')) return 'contains a backslash; write "/" between folders';
  if (text.startsWith('/')) return 'is absolute';
  if (/^[A-Za-z]:/.test(text)) return `begins with "${text.slice(0, 2)}", a drive to Windows`;
  for (const part of text.split('/')) {
    if (part === '..') return 'leaves its folder by ".."';
    if (part === '' || part === '.') return 'has an empty or "." part';
  }
  return undefined;
}

export function isRelPath(text: string): text is RelPath {
  return relPathFault(text) === undefined;
}

/** True when `path` is the folder itself or stands inside it. */
export function isInside(path: string, folder: string): boolean {
  return (
    path === folder || (path.length > folder.length && path.startsWith(folder) && path[folder.length] === '/')
  );
}

/** Every folder above a path, nearest first: `a/b/c` → `a/b`, `a`. */
export function* parentsOf(path: string): Generator<string> {
  for (let cut = path.lastIndexOf('/'); cut > 0; cut = path.lastIndexOf('/', cut - 1))
    yield path.slice(0, cut);
}

/** Joins two relative paths and resolves `.` and `..`; the result may start with `..` and then is no `RelPath`. */
export function joinRelative(folder: string, path: string): string {
  const parts: string[] = [];
  for (const part of `${folder}/${path}`.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}

/**
 * The path from the root that a word means where it is typed: in `folder`, which is itself a path from the root (`''`: the
 * root). What leaves the root, or is absolute, is no `RelPath`.
 */
export function pathOfWord(word: string, folder: string): string {
  return word.startsWith('/') ? word : joinRelative(folder, word);
}

/** The word that means a path from the root where it is typed in `folder`. */
export function wordOfPath(path: string, folder: string): string {
  if (folder === '') return path;
  const from = folder.split('/');
  const to = path.split('/');
  let shared = 0;
  // The name itself stays, also where it is the folder's own.
  while (shared < to.length - 1 && from[shared] === to[shared]) shared++;
  return [...from.slice(shared).map(() => '..'), ...to.slice(shared)].join('/');
}

/** Orders strings by code unit: the same on every machine and in every locale. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Orders strings by Unicode code point, which is the order of their UTF-8 bytes and of DVC's manifests. */
export function byCodePoint(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above every other unit. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** The part of a path that git or the engine keeps for itself, in any case: a file system may take ".GIT" for ".git". */
export function guardedPart(path: string): string | undefined {
  return path.split('/').find((name) => /^\.(git|lockstep)$/i.test(name));
}

/** Why a text is no path that a record or a manifest may name; `undefined` when it is one. */
export function keptPathFault(text: string): string | undefined {
  const fault = relPathFault(text);
  if (fault !== undefined) return fault;
  const part = guardedPart(text);
  return part === undefined ? undefined : `goes through "${part}"`;
}

/** Why a set of relative paths cannot all be files of one folder; `undefined` when it can. */
export function pathSetFault(paths: readonly string[]): string | undefined {
  const files = new Set(paths);
  if (files.size !== paths.length) return 'it names one path twice';
  let checked = '';
  for (const path of paths) {
    // Files of one folder mostly stand together.
    const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (folder === checked) continue;
    checked = folder;
    for (const parent of parentsOf(path))
      if (files.has(parent)) return `"${parent}" is both a file and a folder`;
  }
  return undefined;
}

/** Two paths, or folders above them, that one file system would take for the same; `undefined` when there are none. */
export function foldedTwins(paths: readonly string[]): readonly [string, string] | undefined {
  const seen = new Map<string, string>();
  for (const path of paths) {
    const folded = foldPath(path);
    const twin = seen.get(folded);
    if (twin !== undefined) return [twin, path];
    seen.set(folded, path);
  }
  const folders = new Map<string, string>();
  for (const path of paths) {
    for (const folder of parentsOf(path)) {
      const folded = foldPath(folder);
      const twin = seen.get(folded) ?? folders.get(folded);
      if (twin === folder) break;
      if (twin !== undefined) return [twin, folder];
      folders.set(folded, folder);
    }
  }
  return undefined;
}

function foldPath(path: string): string {
  return path.normalize('NFC').toLowerCase();
}
