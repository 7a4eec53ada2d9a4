import { byCodeUnit } from '../base/path.ts';
import type { Body, RemoteEntry } from '../base/remote.ts';
import { inFolders, quoteDrive } from './gdrive-api.ts';
import type { DriveApi, DriveRoot } from './gdrive-api.ts';
import { createDriveFolders, splitPath } from './gdrive-folders.ts';

/** Files by path in a place where neither names are unique nor a listing knows what was just written. */
export interface DriveTree {
  /** The file that stands for a path: of several of one name, the one with the smallest id. */
  lookup(path: string, signal: AbortSignal): Promise<Known | undefined>;
  write(path: string, body: Body, signal: AbortSignal): Promise<void>;
  remove(path: string, signal: AbortSignal): Promise<void>;
  list(prefix: string, signal: AbortSignal): AsyncGenerator<RemoteEntry, void, undefined>;
}

interface Known {
  readonly id: string;
  readonly size: number;
}

/** So many folders are asked for their content at once; longer queries are refused. */
const FOLDERS_PER_QUERY = 40;

/**
 * The tree below a folder. What this process wrote or removed is remembered and laid over every answer, since Drive's
 * searches lag behind. Two writers of one new path make two files: every reader takes the same one, the next writer
 * replaces that one's bytes and puts the others into the trash.
 */
export function createDriveTree(api: DriveApi, root: DriveRoot): DriveTree {
  const folders = createDriveFolders(api, root);
  const written = new Map<string, Known>();
  const removed = new Set<string>();
  /** Prefixes that were listed to their end, with the paths found: what is not among them need not be asked for. */
  const listed: { readonly prefix: string; readonly paths: ReadonlySet<string> }[] = [];

  /** All files of a path, smallest id first. */
  async function candidates(path: string, signal: AbortSignal): Promise<readonly Known[]> {
    const { folder, name } = splitPath(path);
    const parents = await folders.find(folder, signal);
    const found = new Map<string, Known>();
    if (parents.length > 0) {
      const query = `name = ${quoteDrive(name)} and ${inFolders(parents)}`;
      for await (const file of api.find(query, root, signal))
        if (!file.isFolder && file.name === name && !removed.has(file.id)) found.set(file.id, file);
    }
    const mine = written.get(path);
    if (mine) found.set(mine.id, mine);
    return [...found.values()].sort((a, b) => byCodeUnit(a.id, b.id));
  }

  function isKnownAbsent(path: string): boolean {
    if (written.has(path)) return false;
    return listed.some(({ prefix, paths }) => path.startsWith(prefix) && !paths.has(path));
  }

  async function drop(path: string, id: string, signal: AbortSignal): Promise<void> {
    await api.trash(id, signal);
    removed.add(id);
    if (written.get(path)?.id === id) written.delete(path);
  }

  return {
    lookup: async (path, signal) => (await candidates(path, signal))[0],
    async write(path, body, signal) {
      const { folder, name } = splitPath(path);
      const [parent] = await folders.require(folder, signal);
      const [old, ...others] = isKnownAbsent(path) ? [] : await candidates(path, signal);
      const target = old ? { id: old.id } : { name, parent: parent ?? root.id };
      written.set(path, { id: await api.upload(target, body, signal), size: body.size });
      for (const { id } of others) await drop(path, id, signal);
    },
    async remove(path, signal) {
      for (const { id } of await candidates(path, signal)) await drop(path, id, signal);
    },
    async *list(prefix, signal) {
      const paths = new Set<string>();
      const before = new Map(written);
      for await (const [path, file] of walk(prefix, signal)) {
        paths.add(path);
        yield { key: path, size: file.size };
      }
      for (const [path, { size }] of before) {
        if (path.startsWith(prefix) && !paths.has(path) && written.has(path)) {
          paths.add(path);
          yield { key: path, size };
        }
      }
      listed.push({ prefix, paths });
    },
  };

  /** Level by level, since files of one path may stand in several folders and only a whole level has them all. */
  async function* walk(
    prefix: string,
    signal: AbortSignal,
  ): AsyncGenerator<[string, Known], void, undefined> {
    const top = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    const ids = await folders.find(top.slice(0, -1), signal);
    let level = new Map(ids.map((id) => [id, top]));
    while (level.size > 0) {
      const next = new Map<string, string>();
      const files = new Map<string, Known>();
      const all = [...level.keys()];
      for (let from = 0; from < all.length; from += FOLDERS_PER_QUERY) {
        const query = inFolders(all.slice(from, from + FOLDERS_PER_QUERY));
        for await (const file of api.find(query, root, signal)) {
          const above = file.parents.map((id) => level.get(id)).find((path) => path !== undefined);
          if (above === undefined || removed.has(file.id)) continue;
          const path = above + file.name;
          if (file.isFolder) {
            if (`${path}/`.startsWith(prefix) || prefix.startsWith(`${path}/`)) next.set(file.id, `${path}/`);
          } else if (path.startsWith(prefix))
            files.set(path, firstOf(written.get(path), firstOf(files.get(path), file)));
        }
      }
      yield* files;
      level = next;
    }
  }
}

/** Of two files of one path the one with the smaller id; where it is one file, what is known of it already. */
function firstOf(known: Known | undefined, file: Known): Known {
  return known && byCodeUnit(known.id, file.id) <= 0 ? known : file;
}
