import type { Bucket, StorageOptions } from '@google-cloud/storage';
import type { OpenRemote, Remote, RemoteConfig, RemoteEntry } from '../base/remote.ts';
import { parseAddress } from './address.ts';
import { objectMissing, remoteFault, withFaults } from './faults.ts';
import { createGoogleAuth, identify } from './google-auth.ts';
import { arrivedWrong, googleFault, googleStatus } from './google-fault.ts';
import { createMedia } from './google-media.ts';
import type { Media } from './google-media.ts';
import { askOnce } from './once.ts';
import { readOptions } from './options.ts';
import { eachPage } from './pages.ts';
import { createRoom } from './room.ts';
import { strangeAnswer } from './web-fault.ts';
import { within } from './web-request.ts';

const CONCURRENCY = 16;
const PAGE = 1000;
const ANSWER_MS = 60_000;
const SCOPE = 'https://www.googleapis.com/auth/devstorage.read_write';

/**
 * Google Cloud Storage. Credentials: a key file (option `credentials`; of a service account, a user or a workload
 * identity), else what the SDK finds by itself (Application Default Credentials). `endpoint`, or the SDK's own
 * variable STORAGE_EMULATOR_HOST, names an emulator, which is asked without credentials.
 */
const openGcs: OpenRemote = async (config, { tryAgain, learn }) => {
  const options = readOptions(config, { credentials: 'path', project: 'text', endpoint: 'url' });
  const { place, prefix } = parseAddress(config);
  const project = options.project !== undefined && { projectId: options.project };
  const { Storage } = await import('@google-cloud/storage');
  const storageOptions: StorageOptions = {
    // Another try is the caller's decision, which sees the same bytes again.
    retryOptions: { autoRetry: false, maxRetries: 0 },
    timeout: ANSWER_MS,
    authClient: await createGoogleAuth(config, options.credentials, { scopes: SCOPE, ...project, learn }),
    ...project,
    ...(options.endpoint !== undefined && { apiEndpoint: options.endpoint }),
  };
  const storage = new Storage(storageOptions);
  // The SDK's own streams leave sockets open after an abort and warn of too many listeners on each download.
  const headersFor = async (url: string): Promise<Headers> =>
    storage.customEndpoint ? new Headers() : identify(url, { config, auth: storage.authClient, learn });
  const concurrency = options.jobs ?? CONCURRENCY;
  const media = createMedia(config, { headersFor, tryAgain, room: createRoom(concurrency) });
  return createGcs(config, {
    bucket: storage.bucket(place),
    media,
    prepare: async () => void (await headersFor(storage.apiEndpoint)),
    endpoint: storage.apiEndpoint,
    prefix,
    concurrency,
  });
};
export default openGcs;

interface Setup {
  readonly bucket: Bucket;
  readonly media: Media;
  /** Gets an access token, before each request of the SDK: what fails then is told as that. */
  readonly prepare: () => Promise<void>;
  /** Origin of the API. */
  readonly endpoint: string;
  readonly prefix: string;
  readonly concurrency: number;
}

/** Source: "Objects: list", Cloud Storage JSON API v1. */
interface ListPage {
  readonly kind?: string;
  readonly items?: readonly { readonly name: string; readonly size: string }[];
  readonly nextPageToken?: string;
}

function createGcs(
  config: RemoteConfig,
  { bucket, media, prepare, endpoint, prefix, concurrency }: Setup,
): Remote {
  const objects = `storage/v1/b/${encodeURIComponent(bucket.name)}/o`;

  /** The SDK's calls cannot be cancelled, only left alone. */
  function request<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    return within(signal, ANSWER_MS, async () => {
      await prepare();
      return call();
    });
  }

  const ask = <T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> =>
    withFaults(signal, faultOf, () => request(signal, call));

  function faultOf(error: unknown): unknown {
    if (googleStatus(error) !== 404) return googleFault(config, error);
    return remoteFault(config, 'not-found', { what: `there is no bucket "${bucket.name}"`, cause: error });
  }

  /** A page of a listing. The SDK's own way there falls over an answer of another kind, or takes it for an empty page. */
  async function listPage(
    query: { readonly prefix: string; readonly maxResults: number; readonly pageToken?: string | undefined },
    signal: AbortSignal,
  ): Promise<ListPage> {
    const [answer] = await ask(signal, () => bucket.request({ uri: '/o', qs: query }));
    const page = answer as ListPage | undefined;
    if (page?.kind !== 'storage#objects') throw strangeAnswer(config);
    return page;
  }

  /** A missing object and a missing bucket both answer 404; asked once which it is. */
  const requireBucket = askOnce(async (signal) => {
    await listPage({ prefix: `${prefix}files/`, maxResults: 1 }, signal);
  });

  /** Returns when an error means that there is no such object; throws any other. */
  async function requireMissing(error: unknown, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (googleStatus(error) !== 404) throw googleFault(config, error);
    await requireBucket(signal);
  }

  async function remove(key: string, signal: AbortSignal): Promise<void> {
    await ask(signal, () => bucket.file(prefix + key).delete({ ignoreNotFound: true }));
  }

  return {
    limits: { concurrency, page: PAGE },
    async head(key, signal) {
      try {
        return await request(signal, async () => {
          const [{ size }] = await bucket.file(prefix + key).getMetadata();
          if (size === undefined) throw strangeAnswer(config);
          return { size: Number(size) };
        });
      } catch (error) {
        await requireMissing(error, signal);
        return undefined;
      }
    },
    async get(key, signal, from) {
      const url = `${endpoint}/${objects}/${encodeURIComponent(prefix + key)}?alt=media`;
      try {
        return await media.download(url, signal, from);
      } catch (error) {
        await requireMissing(error, signal);
        throw objectMissing(config, key);
      }
    },
    async put(key, body, signal) {
      const target = {
        url: `${endpoint}/upload/${objects}?name=${encodeURIComponent(prefix + key)}`,
        method: 'POST',
        metadata: { contentType: 'application/octet-stream' },
      } as const;
      const { resource, md5 } = await withFaults(signal, faultOf, () => media.upload(target, body, signal));
      const stored = resource['md5Hash'];
      if (typeof stored !== 'string') throw strangeAnswer(config);
      if (Buffer.from(stored, 'base64').toString('hex') !== md5) {
        // Under its name it would be taken for what was sent.
        await remove(key, signal).catch(() => undefined);
        throw arrivedWrong(config, key);
      }
    },
    remove,
    async *list(below, signal): AsyncGenerator<RemoteEntry, void, undefined> {
      const query = { prefix: prefix + below, maxResults: PAGE };
      const askPage = (pageToken?: string): Promise<ListPage> => listPage({ ...query, pageToken }, signal);
      for await (const { items = [] } of eachPage(config, askPage, (page) => page.nextPageToken))
        for (const { name, size } of items) yield { key: name.slice(prefix.length), size: Number(size) };
    },
  };
}
