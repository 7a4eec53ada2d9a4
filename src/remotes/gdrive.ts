import type { OpenRemote, Remote, RemoteConfig } from '../base/remote.ts';
import { parseAddress } from './address.ts';
import { objectMissing, remoteFault } from './faults.ts';
import { createDriveApi } from './gdrive-api.ts';
import type { DriveApi } from './gdrive-api.ts';
import { openDriveAuth } from './gdrive-auth.ts';
import { createDriveTree } from './gdrive-tree.ts';
import type { DriveTree } from './gdrive-tree.ts';
import { identify } from './google-auth.ts';
import { googleStatus } from './google-fault.ts';
import { createMedia } from './google-media.ts';
import { askOnce } from './once.ts';
import { readOptions } from './options.ts';
import { createRoom } from './room.ts';

const CONCURRENCY = 8;
const ROOT_URL = 'https://www.googleapis.com/';

const OPTIONS = { credentials: 'path', client: 'path', token_file: 'path', endpoint: 'url' } as const;

/** It is sent all credentials, refresh tokens too, and remotes.yaml comes with a clone. */
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * A folder of Google Drive, also of a shared drive: `gdrive://folder-id/path`. Keys are paths of folders and files
 * below it. Names are not unique there: of several files of one path the smallest id counts, for everybody. Removed
 * files go to the trash, and files in the trash do not count. `endpoint` replaces the API's own address by
 * one of this machine.
 */
const openGdrive: OpenRemote = async (config, { tryAgain, learn }) => {
  const options = readOptions(config, OPTIONS);
  const { place, prefix } = parseAddress(config);
  const rootUrl = rootOf(config, options.endpoint);
  const auth = await openDriveAuth(config, options, learn);
  // The package as a whole takes half a second to load; this is the one file of it that is needed.
  const { drive_v3: v3 } = await import('googleapis/build/src/apis/drive/v3.js');
  const headersFor = (url: string): Promise<Headers> => identify(url, { config, auth, learn });
  const concurrency = options.jobs ?? CONCURRENCY;
  const api = createDriveApi(config, {
    // Another try is the caller's decision.
    drive: new v3.Drive({ auth, rootUrl, retry: false, params: { supportsAllDrives: true } }),
    prepare: async () => void (await headersFor(rootUrl)),
    media: createMedia(config, { headersFor, tryAgain, room: createRoom(concurrency) }),
    rootUrl,
  });
  return createGdrive(config, { api, root: place, prefix, concurrency });
};
export default openGdrive;

function rootOf(config: RemoteConfig, endpoint: string | undefined): string {
  if (endpoint === undefined) return ROOT_URL;
  const url = new URL('/', endpoint);
  if (LOOPBACK.test(url.hostname)) return url.href;
  throw remoteFault(config, 'option', {
    what: `"endpoint" would send credentials to ${url.hostname}`,
    hint: 'leave it out; it is for tests, against a server of this machine',
  });
}

interface Setup {
  readonly api: DriveApi;
  readonly root: string;
  readonly prefix: string;
  readonly concurrency: number;
}

function createGdrive(config: RemoteConfig, { api, root, prefix, concurrency }: Setup): Remote {
  /** The folder of the url is asked for once: without it every search is empty and every upload fails strangely. */
  const openTree = askOnce(async (signal) => {
    const folder = await api.folder(root, signal).catch((error: unknown) => {
      throw googleStatus(error) === 404 ? noFolder('does not exist for this account') : error;
    });
    if (folder === undefined) throw noFolder('is in the trash, or is no folder');
    return createDriveTree(api, folder);
  });

  async function use<T>(signal: AbortSignal, call: (tree: DriveTree) => Promise<T>): Promise<T> {
    const tree = await openTree(signal);
    try {
      return await call(tree);
    } catch (error) {
      throw faultOf(error);
    }
  }

  function noFolder(what: string): Error {
    return remoteFault(config, 'not-found', {
      what: `the folder "${root}" ${what}`,
      hint: 'copy the id from the address of the folder in the browser, and share the folder with this account as an editor',
    });
  }

  /** What a search has just found may be gone. */
  function faultOf(error: unknown): unknown {
    if (googleStatus(error) !== 404) return error;
    return remoteFault(config, 'unreachable', { what: 'a file was moved meanwhile', retryable: true });
  }

  return {
    limits: { concurrency },
    head: (key, signal) =>
      use(signal, async (tree) => {
        const file = await tree.lookup(prefix + key, signal);
        return file && { size: file.size };
      }),
    get: (key, signal, from) =>
      use(signal, async (tree) => {
        const file = await tree.lookup(prefix + key, signal);
        if (!file) throw objectMissing(config, key);
        return api.download(file.id, signal, from);
      }),
    put: (key, body, signal) => use(signal, (tree) => tree.write(prefix + key, body, signal)),
    remove: (key, signal) => use(signal, (tree) => tree.remove(prefix + key, signal)),
    async *list(below, signal) {
      const tree = await openTree(signal);
      try {
        for await (const { key, size } of tree.list(prefix + below, signal))
          yield { key: key.slice(prefix.length), size };
      } catch (error) {
        throw faultOf(error);
      }
    },
  };
}
