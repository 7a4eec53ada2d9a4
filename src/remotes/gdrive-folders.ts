import { byCodeUnit } from '../base/path.ts';
import { FOLDER_TYPE, inFolders, quoteDrive } from './gdrive-api.ts';
import type { DriveApi, DriveRoot } from './gdrive-api.ts';
import { askOnce } from './once.ts';

/** Finds the folders of Drive that a path means: several, when two machines made one at once. */
export interface DriveFolders {
  /** Ids, smallest first; none when there is no such folder. The empty path is the root. */
  find(path: string, signal: AbortSignal): Promise<readonly string[]>;
  /** Like `find`, but makes what is missing. New files go into the first. */
  require(path: string, signal: AbortSignal): Promise<readonly string[]>;
}

/** Remembers every folder it has found; a folder that is not there is asked for again. */
export function createDriveFolders(api: DriveApi, root: DriveRoot): DriveFolders {
  const known = new Map<string, readonly string[]>([['', [root.id]]]);
  const asked = new Map<string, (signal: AbortSignal) => Promise<readonly string[]>>();

  async function search(path: string, make: boolean, signal: AbortSignal): Promise<readonly string[]> {
    const { folder, name } = splitPath(path);
    const parents = await resolve(folder, make, signal);
    if (parents.length === 0) return [];
    const ids: string[] = [];
    const query = `name = ${quoteDrive(name)} and mimeType = '${FOLDER_TYPE}' and ${inFolders(parents)}`;
    // The server compares names loosely.
    for await (const file of api.find(query, root, signal))
      if (file.isFolder && file.name === name) ids.push(file.id);
    if (ids.length === 0 && make && parents[0] !== undefined)
      ids.push(await api.createFolder(name, parents[0], signal));
    ids.sort(byCodeUnit);
    if (ids.length > 0) known.set(path, ids);
    return ids;
  }

  /** Many uploads want one new folder at the same moment: the first makes it, the others wait. */
  async function resolve(path: string, make: boolean, signal: AbortSignal): Promise<readonly string[]> {
    const found = known.get(path);
    if (found) return found;
    const job = `${make ? 'make' : 'find'} ${path}`;
    const ask = asked.get(job) ?? askOnce((signal) => search(path, make, signal));
    asked.set(job, ask);
    const ids = await ask(signal);
    if (ids.length === 0) asked.delete(job);
    return ids;
  }

  return {
    find: (path, signal) => resolve(path, false, signal),
    require: (path, signal) => resolve(path, true, signal),
  };
}

/** The folder of a path, empty for the root, and the name in it. */
export function splitPath(path: string): { readonly folder: string; readonly name: string } {
  const cut = path.lastIndexOf('/');
  return { folder: path.slice(0, Math.max(cut, 0)), name: path.slice(cut + 1) };
}
