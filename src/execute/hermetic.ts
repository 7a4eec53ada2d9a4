import { existsSync, lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { byCodeUnit } from '../base/path.ts';
import type { ModuleAction } from '../base/types.ts';

/** What the permission model lets a module stage touch. Absolute paths. */
export interface Grants {
  readonly action: ModuleAction;
  /** The code closure. */
  readonly code: readonly string[];
  readonly packageFolders: readonly string[];
  readonly deps: readonly string[];
  /** The child's own entry and the stage API. */
  readonly entry: readonly string[];
  readonly writable: readonly string[];
}

/** More arguments than this and folders are granted instead of files. */
const MAX_GRANTS = 2000;

/** What `allow:` may name, as Node's flags, without the warning that each gives: whoever wrote the line has chosen it. */
const ABILITIES = [
  ['addons', '--allow-addons', '--disable-warning=PERM0001'],
  ['processes', '--allow-child-process', '--disable-warning=PERM0002'],
  ['workers', '--allow-worker', '--disable-warning=PERM0006'],
] as const;

/** Which no stage has to ask for, and every stage has: before Node 25 the permission model left it alone. */
const NETWORK = '--allow-net';

/** Node's arguments for running a module under the permission model. */
export function permissionArgs(grants: Grants): readonly string[] {
  const { action } = grants;
  const read = new Set<string>();
  for (const path of [...grants.code, ...grants.entry]) addWithPackageJson(path, read);
  const folders = new Set(grants.packageFolders);
  for (const path of grants.deps) {
    addReal(path, read);
    // Nothing is in a file, and thousands of them leave room for one argument each.
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) continue;
    // Whoever goes through a folder that is, or lies behind, a link asks for its real files.
    if (existsSync(path)) folders.add(realpathSync(path));
    folders.add(path);
  }
  for (const path of folders) read.add(path).add(join(path, '*'));
  for (const path of grants.writable) read.add(path);
  const narrow = [...thin(read)].sort(byCodeUnit);
  const wide = [
    ...linksAbove([...grants.packageFolders, ...grants.entry]),
    ...[...folders].filter((folder) => isCutShort(folder, narrow)),
  ];
  return [
    '--permission',
    // Node's tree of grants loses a shorter path that comes after a longer one which begins with it, and one beside what covers it: what
    // is covered by then is left out.
    ...[...wide.map((path) => `${path}*`), ...narrow].map((path) => `--allow-fs-read=${path}`),
    ...[...new Set(grants.writable)].map((path) => `--allow-fs-write=${path}`),
    ...(process.allowedNodeEnvironmentFlags.has(NETWORK) ? [NETWORK] : []),
    ...ABILITIES.filter(([name]) => action.allow.includes(name)).flatMap(([, ...flags]) => flags),
  ];
}

/**
 * Node's tree of grants loses a folder itself, not what is in it, beside one whose name goes on (`raw` beside `raw2` or `raw.csv`). There
 * all names that go on so are granted.
 */
function isCutShort(folder: string, granted: readonly string[]): boolean {
  return granted.some(
    (path) => path.length > folder.length && path.startsWith(folder) && path[folder.length] !== '/',
  );
}

/**
 * Links among the folders above the paths, a linked `node_modules` above all, and among those that such a link leads
 * through: Node reads them on its way.
 */
function linksAbove(paths: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const links = new Set<string>();
  const open = paths.map((path) => dirname(path));
  for (const start of open) {
    for (let folder = start; folder !== dirname(folder) && !seen.has(folder); folder = dirname(folder)) {
      seen.add(folder);
      if (!lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink()) continue;
      links.add(folder);
      open.push(resolve(dirname(folder), readlinkSync(folder)));
    }
  }
  return links;
}

/** A module, and the package.json files above it that Node asks for its type. */
function addWithPackageJson(path: string, read: Set<string>): void {
  addReal(path, read);
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file)) read.add(file);
    if (folder === dirname(folder)) return;
  }
}

/** A dep may be, or lie behind, a link inside the project: both names are granted. */
function addReal(path: string, read: Set<string>): void {
  read.add(path);
  if (existsSync(path)) read.add(realpathSync(path));
}

/** Folders with many files of the closure are granted whole, fullest first, until the list is short enough. */
function thin(paths: ReadonlySet<string>): ReadonlySet<string> {
  const files = [...paths].filter((path) => !path.endsWith('*'));
  const byFolder = Map.groupBy(files, (path) => dirname(path));
  const thinned = new Set(paths);
  const fullest = [...byFolder].sort(([a, one], [b, other]) => other.length - one.length || byCodeUnit(a, b));
  for (const [folder, inside] of fullest) {
    if (thinned.size <= MAX_GRANTS) break;
    for (const file of inside) thinned.delete(file);
    thinned.add(join(folder, '*'));
  }
  return thinned;
}
