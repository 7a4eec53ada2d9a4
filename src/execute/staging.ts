import { cpSync, lstatSync, renameSync, rmSync, statSync, statfsSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { EXIT, PipelineError, isSystemError } from '../base/error.ts';
import type { Problem } from '../base/error.ts';
import { shellPath } from '../base/text.ts';
import type { Location, RelPath } from '../base/types.ts';
import { lstatIfExists, makeFolder, readFolder, syncPath, tempName } from '../io/files.ts';
import { setMode } from '../io/modes.ts';
import { mountOf, mountWithin } from '../io/mounts.ts';
import { folderAbove, nearest, outLinked } from './folder-above.ts';
import type { OpenProject } from './open-project.ts';

/** How Linux names the type. */
const OVERLAY = 0x794c7630;

/** Where one out of an attempt is made, and where the old one waits. Absolute paths, all below the out's own mount. */
export interface StagedOut {
  readonly path: RelPath;
  /** The place in the workspace. */
  readonly home: string;
  /** Where the stage writes: its own place in the staging folder, or (shell) home itself. */
  readonly made: string;
  /** Where the old out is kept until the attempt is over. */
  readonly aside: string;
  /** There was an old out when the attempt began. */
  readonly had: boolean;
}

/** What must be known to undo or finish an attempt. */
export interface Laid {
  readonly id: string;
  readonly outs: readonly StagedOut[];
  /** Folders that are removed when the attempt is over: one below `.lockstep/staging`, and one beside each out below another mount. */
  readonly folders: readonly string[];
}

export interface Staging<T extends ToMake> extends Laid {
  /** The stage writes to the workspace itself. */
  readonly inPlace: boolean;
  /** A module's TMPDIR. */
  readonly temp: string;
  /** In the order in which they were wanted. */
  readonly outs: readonly (StagedOut & { readonly wanted: T })[];
}

/** A path that an attempt, a restore or a checkout will make. */
export interface ToMake {
  readonly path: RelPath;
  /** A folder that exists, empty, before the stage starts. */
  readonly folder: boolean;
  readonly at?: Location;
}

export interface StagingOptions {
  readonly root: string;
  readonly id: string;
  /** A shell command writes to the workspace itself; a module, a restore and a checkout to the staging folder. */
  readonly inPlace: boolean;
}

/**
 * Lays out an attempt: one folder below `.lockstep/staging`, or beside the out where that is another device or mount (a
 * rename does not cross them). Throws `out.linked` for an out that is, or lies behind, a symbolic link, `out.blocked` for one
 * behind a file, `disk.busy` for one that is, or has within it, a mount point.
 */
export function layStaging<T extends ToMake>(
  paths: readonly T[],
  { root, id, inPlace }: StagingOptions,
): Staging<T> {
  const dir = join(root, '.lockstep', 'staging', id);
  // `.lockstep` itself may be a mount.
  const state = nearest(dirname(dir));
  const [device, mount] = [state.stat.dev, mountOf(state.path)];
  const folders = new Set([dir]);
  const outs = paths.map((wanted, index) => {
    const { path, at } = wanted;
    const home = join(root, path);
    const near = folderAbove({ path, home }, at);
    const old = lstatIfExists(home);
    if (old?.isSymbolicLink() === true) throw outLinked(`"${path}" is a symbolic link`, home, at);
    const mounted = old && mountWithin(home);
    if (mounted !== undefined) throw busy(path, mounted, at);
    let base = dir;
    if (near.stat.dev !== device || mountOf(near.path) !== mount)
      folders.add((base = join(near.path, `.lockstep-${id}`)));
    const place = (kind: string): string => join(base, kind, String(index), basename(path));
    return {
      wanted,
      path,
      home,
      made: inPlace ? home : place('outs'),
      aside: place('aside'),
      had: old !== undefined,
    };
  });
  return { id, inPlace, temp: join(dir, 'tmp'), outs, folders: [...folders] };
}

/** Makes the staging folders; declared folder outs exist, empty, before the stage starts. */
export function openStaging({ inPlace, temp, outs }: Staging<ToMake>): void {
  if (!inPlace) makeFolder(temp);
  for (const { made, wanted } of outs) {
    const needed = wanted.folder ? made : dirname(made);
    if (!exists(needed)) makeFolder(needed);
  }
}

/** Moves an old out aside, durably named, so that the stage starts without it. */
export function moveAside(out: StagedOut): void {
  makeFolder(dirname(out.aside));
  move(out.home, out.aside);
  syncPath(dirname(out.aside));
}

/**
 * A rename below one mount, of a folder that its stage has made read-only, too. An overlay (a container's file system) has none
 * for a folder of a lower layer: that is copied, and has its new name when it is whole. Elsewhere a copy could not be moved back
 * either.
 */
export function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (isSystemError(error, 'EACCES') && unlock(from)) return renameSync(from, to);
    if (!isSystemError(error, 'EXDEV') || !isOneOverlay(from, dirname(to))) throw error;
    const temp = tempName(to);
    cpSync(from, temp, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    renameSync(temp, to);
    rmSync(from, { recursive: true, force: true });
  }
}

/** Lets its owner write to a folder, which changes its "..", as a move does; false where that was not the reason. */
function unlock(folder: string): boolean {
  const stat = lstatSync(folder);
  if (!stat.isDirectory() || (stat.mode & 0o700) === 0o700) return false;
  return setMode(folder, stat.mode | 0o700);
}

/** Removes what is there, in folders that their owner may not write to, too. */
function removeAll(path: string): void {
  const remove = (): void => rmSync(path, { recursive: true, force: true, maxRetries: 2 });
  try {
    remove();
  } catch (error) {
    if (!isSystemError(error, 'EACCES')) throw error;
    unlockAll(path);
    remove();
  }
}

function unlockAll(folder: string): void {
  unlock(folder);
  for (const entry of readFolder(folder)) if (entry.isDirectory()) unlockAll(join(folder, entry.name));
}

function isOneOverlay(path: string, folder: string): boolean {
  return statfsSync(folder).type === OVERLAY && lstatSync(path).dev === statSync(folder).dev;
}

/**
 * Makes an out stand as it did before the attempt; what the attempt made goes to `failed`. Safe to repeat. What is at
 * home was made by the attempt where the old out has moved, or where the stage writes there and there was none; all else is
 * the old out, or its user's. True when something is kept in `failed`. Throws `out.linked`, `out.blocked`.
 */
export function putBack(out: StagedOut, failed: string): boolean {
  folderAbove(out);
  const hasMoved = exists(out.aside);
  const isMade = hasMoved || (out.made === out.home && !out.had);
  const isKept = isMade && setAside(out.home, out.path, failed);
  if (hasMoved) {
    makeFolder(dirname(out.home));
    move(out.aside, out.home);
  }
  return isKept;
}

/** Keeps what a failed attempt made of an out, for looking at: `<failed>/<path of the out>`. False when nothing is kept. */
export function setAside(made: string, path: string, failed: string): boolean {
  if (!exists(made)) return false;
  const to = join(failed, path);
  try {
    clear(to);
    makeFolder(dirname(to));
    move(made, to);
    return true;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    // Another device, a full disk: what failed is worth neither a copy nor the old out's place.
    removeAll(made);
    return false;
  }
}

/**
 * Takes away what an earlier attempt left at a place below `.lockstep/failed`; out of the way only, where it holds another
 * user's files. Where the folder itself is another's it stays: it is not worth the old outs' place.
 */
export function clear(path: string): void {
  try {
    removeAll(path);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    try {
      renameSync(path, tempName(path));
    } catch (second) {
      if (!isSystemError(second)) throw second;
    }
  }
}

/**
 * Removes the folders of an attempt that is over; gives back those that cannot be: another user's files in an old out (a
 * container's, say), an immutable one, a mount. All outs stand where they belong by then.
 */
export function closeStaging({ folders }: Pick<Laid, 'folders'>): readonly Unremoved[] {
  return folders.flatMap((folder) => {
    try {
      removeAll(folder);
      return [];
    } catch (error) {
      if (!isSystemError(error)) throw error;
      return [{ folder, error }];
    }
  });
}

export interface Unremoved {
  readonly folder: string;
  readonly error: NodeJS.ErrnoException;
}

/** What is told of it, for a command that is pasted in `folder`, from the root. */
export function stagingLeft(
  { folder: left, error }: Unremoved,
  { root, folder }: Pick<OpenProject, 'root' | 'folder'>,
): Problem {
  const path = relative(root, left);
  return {
    code: 'staging.left',
    message: `"${path}", which nothing needs any more, cannot be removed (${error.code || error.message})`,
    hint: `remove it with the rights of whoever owns what is in it ("sudo rm -r ${shellPath(path, folder)}")`,
  };
}

/** A file in the staging folder that is no declared out, as `<folder>/<name>`; `undefined` when there is none. */
export function findStray({ outs }: Laid): string | undefined {
  const homes = new Map(outs.map((out) => [dirname(out.made), basename(out.made)]));
  for (const [folder, name] of homes) {
    const stray = readFolder(folder).find((entry) => entry.name !== name);
    if (stray) return stray.name;
  }
  return undefined;
}

export function exists(path: string): boolean {
  return lstatIfExists(path) !== undefined;
}

/** It would move along with an old out, and what is in it would be removed with that. */
function busy(path: string, mounted: string, at: Location | undefined): PipelineError {
  return new PipelineError(
    'disk.busy',
    `"${path}" cannot be replaced: something is mounted there ("${mounted}")`,
    {
      at,
      exit: EXIT.failed,
      hint: 'unmount it (findmnt shows it), or mount it at a folder above: outs and inputs are replaced as a whole',
    },
  );
}
