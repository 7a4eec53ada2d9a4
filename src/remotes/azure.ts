import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type {
  ContainerClient,
  ContainerListBlobFlatSegmentResponse as ListPage,
  StoragePipelineOptions,
} from '@azure/storage-blob';
import type { OpenRemote, Remote, RemoteConfig, RemoteEntry, TryAgain } from '../base/remote.ts';
import { parseAddress } from './address.ts';
import { azureFault } from './azure-fault.ts';
import { objectMissing, remoteFault, unlessMissing, withFaults } from './faults.ts';
import { readOptions } from './options.ts';
import type { OptionValues } from './options.ts';
import { eachPage } from './pages.ts';
import { sendParts } from './send-parts.ts';
import { createRoom } from './room.ts';
import { strangeAnswer } from './web-fault.ts';
import { chunksOf, within } from './web-request.ts';
import { readBody, webStream } from './web-stream.ts';

const CONCURRENCY = 16;
const PAGE = 5000;
/** Up to this size a blob goes up in one request, whole in memory; above it in blocks of this size. */
const BLOCK_BYTES = 8 * 1024 * 1024;
/** Azure takes no more than 50,000 blocks. */
const MOST_BLOCKS = 45_000;
const ANSWER_MS = 60_000;
/** So long after the last of its bytes were taken a block has to be stored: what lies between may hold some. */
const BLOCK_MS = 300_000;

const OPTIONS = {
  account: 'text',
  account_key: 'text',
  sas_token: 'text',
  connection_string: 'text',
  endpoint: 'url',
} as const;

/**
 * Azure Blob Storage: `azure://container/prefix` with a connection string, or an account with its key or with a SAS
 * token. `endpoint` replaces `https://<account>.blob.core.windows.net` (sovereign clouds, emulators). A blob is there
 * when its one request, or the list of its blocks, has been answered.
 */
const openAzure: OpenRemote = async (config, { tryAgain }) => {
  const options = readOptions(config, OPTIONS);
  const { place, prefix } = parseAddress(config);
  const client = await openContainer(config, { options, container: place });
  return createAzure(config, { client, tryAgain, prefix, concurrency: options.jobs ?? CONCURRENCY });
};
export default openAzure;

async function openContainer(
  config: RemoteConfig,
  { options, container }: { readonly options: OptionValues<typeof OPTIONS>; readonly container: string },
): Promise<ContainerClient> {
  const { account, account_key: accountKey, sas_token: sasToken, connection_string: connection } = options;
  const ways = [connection, accountKey, sasToken].filter((way) => way !== undefined).length;
  if (ways !== 1) {
    throw remoteFault(config, ways === 0 ? 'credentials' : 'option', {
      what: ways === 0 ? 'no credentials are given' : 'more than one kind of credentials is given',
      hint: 'give one of "connection_string", "account_key" (with "account") and "sas_token" (with "account")',
    });
  }
  if (connection !== undefined && options.endpoint !== undefined) {
    throw remoteFault(config, 'option', {
      what: 'an "endpoint" is given beside the connection string, which names one itself',
      hint: 'leave "endpoint" out, or give "account" with "account_key" or "sas_token" instead',
    });
  }
  const sdk = await import('@azure/storage-blob');
  const pipeline: StoragePipelineOptions = { retryOptions: { maxTries: 1 } };
  if (connection !== undefined) {
    try {
      return sdk.BlobServiceClient.fromConnectionString(connection, pipeline).getContainerClient(container);
    } catch {
      // The SDK's message may quote the string, which is a secret.
      throw remoteFault(config, 'credentials', {
        what: 'the connection string cannot be read',
        hint: 'copy it again from "Access keys" of the storage account in the Azure portal',
      });
    }
  }
  if (account === undefined) {
    throw remoteFault(config, 'option', {
      what: 'the option "account" is missing',
      hint: 'name the storage account',
    });
  }
  if (!/^[a-z0-9-]+$/i.test(account)) {
    throw remoteFault(config, 'option', {
      what: `the option "account" is no name of a storage account: "${account}"`,
      hint: 'write what stands before ".blob.core.windows.net", and any other address as "endpoint"',
    });
  }
  const endpoint = (options.endpoint ?? `https://${account}.blob.core.windows.net`).replace(/\/+$/, '');
  const service =
    accountKey !== undefined
      ? new sdk.BlobServiceClient(endpoint, new sdk.StorageSharedKeyCredential(account, accountKey), pipeline)
      : new sdk.BlobServiceClient(`${endpoint}?${(sasToken ?? '').replace(/^\?/, '')}`, undefined, pipeline);
  return service.getContainerClient(container);
}

interface Setup {
  readonly client: ContainerClient;
  /** For each block by itself, so that those which are there stay. */
  readonly tryAgain: TryAgain;
  readonly prefix: string;
  readonly concurrency: number;
}

function createAzure(config: RemoteConfig, { client, tryAgain, prefix, concurrency }: Setup): Remote {
  const room = createRoom(concurrency);
  const ask = <T>(
    key: string | undefined,
    signal: AbortSignal,
    call: (abortSignal: AbortSignal, renew: () => void) => Promise<T>,
    ms = ANSWER_MS,
  ): Promise<T> =>
    withFaults(
      signal,
      (error) => azureFault(config, error, key),
      () => within(signal, ms, call),
    );
  const blobOf = (key: string): ReturnType<ContainerClient['getBlockBlobClient']> =>
    client.getBlockBlobClient(prefix + key);

  return {
    limits: { concurrency, page: PAGE },
    async head(key, signal) {
      const found = await unlessMissing(
        ask(key, signal, (abortSignal) => blobOf(key).getProperties({ abortSignal })),
      );
      // Blobs have one, other pages need not.
      if (found && found.etag === undefined) throw strangeAnswer(config);
      return found && { size: found.contentLength ?? 0 };
    },
    async get(key, signal, from = 0) {
      const answer = await ask(key, signal, (abortSignal) =>
        blobOf(key).download(from, undefined, { abortSignal, maxRetryRequests: 0 }),
      );
      if (answer.readableStreamBody === undefined) throw objectMissing(config, key);
      const faultOf = (error: unknown): unknown => azureFault(config, error, key);
      const stream = webStream(answer.readableStreamBody as Readable, { signal, faultOf });
      return { stream, type: answer.contentType, ...(answer.contentRange !== undefined && { from }) };
    },
    async put(key, body, signal) {
      const blob = blobOf(key);
      const send = (
        call: (abortSignal: AbortSignal, renew: () => void) => Promise<unknown>,
      ): Promise<unknown> => ask(undefined, signal, call, BLOCK_MS);
      const read = (bytes: Uint8Array, renew: () => void) => (): Readable =>
        Readable.from(chunksOf(bytes, renew), { objectMode: false });
      if (body.size <= BLOCK_BYTES) {
        await room.use(body.size, signal, async () => {
          const bytes = await readBody(body, signal);
          await send((abortSignal, renew) => blob.upload(read(bytes, renew), bytes.length, { abortSignal }));
        });
        return;
      }
      const idOf = createBlockIds();
      const ids = await sendParts(body, {
        size: Math.max(BLOCK_BYTES, Math.ceil(body.size / MOST_BLOCKS)),
        room,
        signal,
        async send(bytes, number) {
          const id = idOf(number);
          await tryAgain(signal, () =>
            send((abortSignal, renew) =>
              blob.stageBlock(id, read(bytes, renew), bytes.length, { abortSignal }),
            ),
          );
          return id;
        },
      });
      await room.use(0, signal, () =>
        tryAgain(signal, () => send((abortSignal) => blob.commitBlockList(ids, { abortSignal }))),
      );
    },
    async remove(key, signal) {
      await unlessMissing(
        ask(key, signal, (abortSignal) => blobOf(key).delete({ abortSignal, deleteSnapshots: 'include' })),
      );
    },
    async *list(below, signal): AsyncGenerator<RemoteEntry, void, undefined> {
      const blobs = client.listBlobsFlat({ prefix: prefix + below, abortSignal: signal });
      const askPage = async (continuationToken?: string): Promise<ListPage> => {
        const pages = blobs.byPage({ maxPageSize: PAGE, ...(continuationToken && { continuationToken }) });
        return (await ask(undefined, signal, () => pages.next())).value as ListPage;
      };
      for await (const { segment } of eachPage(config, askPage, (page) => page.continuationToken)) {
        for (const { name, properties } of segment.blobItems)
          yield { key: name.slice(prefix.length), size: properties.contentLength ?? 0 };
      }
    },
  };
}

/**
 * Names for the blocks of one upload, which those of another upload of the same blob must not have. All names of a blob
 * have one length; this is that of the SDK's own.
 */
function createBlockIds(): (number: number) => string {
  const upload = randomUUID();
  return (number) => Buffer.from(upload + String(number).padStart(12, '0')).toString('base64');
}
