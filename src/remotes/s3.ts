import type { Readable } from 'node:stream';
import type * as S3Sdk from '@aws-sdk/client-s3';
import { PipelineError } from '../base/error.ts';
import { algorithmOf, digestOf, withoutDir } from '../base/hash.ts';
import type { Body, OpenRemote, Remote, RemoteConfig, RemoteEntry, RemoteTools } from '../base/remote.ts';
import { parseAddress } from './address.ts';
import { isObjectMissing, objectMissing, remoteFault, withFaults } from './faults.ts';
import { askOnce } from './once.ts';
import { readOptions } from './options.ts';
import type { OptionValues } from './options.ts';
import { eachPage } from './pages.ts';
import { s3Fault } from './s3-fault.ts';
import { PART_BYTES, uploadParts } from './s3-parts.ts';
import type { PartsUpload } from './s3-parts.ts';
import { createPlainS3 } from './s3-plain.ts';
import { createRoom } from './room.ts';
import { credentialsFault, strangeAnswer } from './web-fault.ts';
import { rangeFrom, readBody, webStream } from './web-stream.ts';

const CONCURRENCY = 16;
/** What a listing gives with each answer when it is not told otherwise. */
const PAGE = 1000;
const CONNECT_MS = 10_000;
const IDLE_MS = 60_000;

const OPTIONS = {
  region: 'text',
  endpoint: 'url',
  path_style: 'switch',
  access_key_id: 'text',
  secret_access_key: 'text',
  session_token: 'text',
  profile: 'text',
} as const;

/**
 * Amazon S3 and what speaks its protocol (MinIO, R2, …, by `endpoint`). Without keys the SDK's own chain finds
 * credentials: environment, profile, web identity, instance role. An object is visible when its request, or the
 * completion of its multipart upload, has been answered; replacing is atomic.
 */
const openS3: OpenRemote = async (config, { learn, tryAgain }) => {
  const options = readOptions(config, OPTIONS);
  const { place, prefix } = parseAddress(config);
  const sdk = await import('@aws-sdk/client-s3');
  const client = new sdk.S3Client(clientConfig(config, options));
  guardCredentials(config, client, learn);
  return createS3(config, {
    sdk,
    client,
    tryAgain,
    bucket: place,
    prefix,
    concurrency: options.jobs ?? CONCURRENCY,
  });
};
export default openS3;

function clientConfig(config: RemoteConfig, options: OptionValues<typeof OPTIONS>): S3Sdk.S3ClientConfig {
  const { access_key_id: accessKeyId, secret_access_key: secretAccessKey } = options;
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    throw remoteFault(config, 'option', { what: '"access_key_id" and "secret_access_key" belong together' });
  }
  // Servers other than Amazon's rarely have a host name per bucket, and ignore the region.
  const own = options.endpoint !== undefined;
  const region = options.region ?? (own ? 'us-east-1' : undefined);
  const agent = {
    // Of the 50 that the SDK allows some would be waited for, which counts as time to connect.
    maxSockets: Infinity,
    // The SDK's own agents know of no proxy.
    ...(config.proxies && { proxyEnv: config.proxies.env }),
  };
  return {
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      socketTimeout: IDLE_MS,
      httpAgent: agent,
      httpsAgent: agent,
    },
    forcePathStyle: options.path_style ?? own,
    ...(region !== undefined && { region }),
    ...(own && { endpoint: options.endpoint }),
    ...(options.profile !== undefined && { profile: options.profile }),
    ...(accessKeyId !== undefined &&
      secretAccessKey !== undefined && {
        credentials: {
          accessKeyId,
          secretAccessKey,
          ...(options.session_token !== undefined && { sessionToken: options.session_token }),
        },
      }),
  };
}

/**
 * What the SDK's own chain finds is no option, and must be told no more than one. What fails in finding it is the remote's own
 * error.
 */
function guardCredentials(
  config: RemoteConfig,
  { config: settings }: S3Sdk.S3Client,
  learn: RemoteTools['learn'],
): void {
  const find = settings.credentials;
  settings.credentials = async (options) => {
    let found: Awaited<ReturnType<typeof find>>;
    try {
      found = await find(options);
    } catch (error) {
      throw credentialsFault(config, s3Fault(config, error));
    }
    learn(found.secretAccessKey);
    if (found.sessionToken !== undefined) learn(found.sessionToken);
    return found;
  };
}

interface Setup {
  readonly sdk: typeof S3Sdk;
  readonly client: S3Sdk.S3Client;
  /** For each part of an upload by itself, so that those which are there stay. */
  readonly tryAgain: RemoteTools['tryAgain'];
  readonly bucket: string;
  readonly prefix: string;
  readonly concurrency: number;
}

/** The SHA-256 that a body is known to have, in hex; a checksum of the wire for nothing. */
function sha256Of({ hash }: Body): string | undefined {
  return hash !== undefined && algorithmOf(hash) === 'sha256' ? digestOf(withoutDir(hash)) : undefined;
}

function createS3(
  config: RemoteConfig,
  { sdk, client, tryAgain, bucket: Bucket, prefix, concurrency }: Setup,
): Remote {
  const strange = (): Error => strangeAnswer(config);
  const plain = createPlainS3(client, strange);
  const faultOf = (error: unknown, key?: string): unknown => s3Fault(config, error, key);
  const room = createRoom(concurrency);

  const ask = <T>(key: string | undefined, signal: AbortSignal, call: () => Promise<T>): Promise<T> =>
    withFaults(signal, (error) => faultOf(error, key), call);

  /**
   * The answer to a HEAD names no fault: a missing bucket looks like a missing object, and wrong keys like missing rights.
   * Asked once by a listing, which does.
   */
  const requireBucket = askOnce(async (signal) => {
    const command = new sdk.ListObjectsV2Command({ Bucket, Prefix: prefix, MaxKeys: 1 });
    try {
      await client.send(command, { abortSignal: signal });
    } catch (error) {
      signal.throwIfAborted();
      const fault = faultOf(error);
      const code = fault instanceof PipelineError ? fault.code : undefined;
      if (code === 'remote.not-found') {
        throw remoteFault(config, 'not-found', { what: `there is no bucket "${Bucket}"`, cause: error });
      }
      // Without the right to list, the answer about the object stands.
      if (code !== 'remote.denied') throw fault;
    }
  });

  async function putWhole(
    target: { readonly Bucket: string; readonly Key: string },
    body: Body,
    signal: AbortSignal,
  ): Promise<void> {
    const bytes = await readBody(body, signal);
    const tag = await ask(undefined, signal, async () => {
      if (plain.isReady()) return plain.put(target.Key, { bytes, sha256: sha256Of(body), signal });
      const command = new sdk.PutObjectCommand({ ...target, Body: bytes });
      const { ETag } = await client.send(command, { abortSignal: signal });
      return ETag;
    });
    if (tag === undefined) throw strange();
  }

  return {
    limits: { concurrency, page: PAGE },
    async head(key, signal) {
      const command = new sdk.HeadObjectCommand({ Bucket, Key: prefix + key });
      try {
        const { ContentLength, ETag } = await ask(key, signal, () =>
          client.send(command, { abortSignal: signal }),
        );
        if (ETag === undefined) throw strange();
        return { size: ContentLength ?? 0 };
      } catch (error) {
        if (error instanceof PipelineError && !error.retryable) await requireBucket(signal);
        if (isObjectMissing(error)) return undefined;
        throw error;
      }
    },
    async get(key, signal, from = 0) {
      const range = rangeFrom(from);
      const { stream, type, isPart } = await ask(key, signal, async () => {
        if (plain.isReady()) return plain.get(prefix + key, { range, signal });
        const command = new sdk.GetObjectCommand({ Bucket, Key: prefix + key, Range: range });
        const { Body, ContentRange, ContentType } = await client.send(command, { abortSignal: signal });
        return {
          stream: Body as Readable | undefined,
          type: ContentType,
          isPart: ContentRange !== undefined,
        };
      });
      if (stream === undefined) throw objectMissing(config, key);
      const whyOf = (error: unknown): unknown => faultOf(error, key);
      return { stream: webStream(stream, { signal, faultOf: whyOf }), type, ...(isPart && { from }) };
    },
    async put(key, body, signal) {
      const target = { Bucket, Key: prefix + key };
      if (body.size <= PART_BYTES) return room.use(body.size, signal, () => putWhole(target, body, signal));
      const step: PartsUpload['step'] = (call) => tryAgain(signal, () => ask(undefined, signal, call));
      await ask(undefined, signal, () =>
        uploadParts({ sdk, client, target, body, room, signal, step, strange }),
      );
    },
    async remove(key, signal) {
      const command = new sdk.DeleteObjectCommand({ Bucket, Key: prefix + key });
      await ask(undefined, signal, () => client.send(command, { abortSignal: signal }));
    },
    async *list(below, signal): AsyncGenerator<RemoteEntry, void, undefined> {
      const query = { Bucket, Prefix: prefix + below };
      const askPage = (ContinuationToken?: string): Promise<S3Sdk.ListObjectsV2CommandOutput> => {
        const command = new sdk.ListObjectsV2Command({ ...query, ContinuationToken });
        return ask(undefined, signal, () => client.send(command, { abortSignal: signal }));
      };
      const tokenOf = (page: S3Sdk.ListObjectsV2CommandOutput): string | undefined =>
        page.IsTruncated === true ? page.NextContinuationToken : undefined;
      for await (const page of eachPage(config, askPage, tokenOf)) {
        // Every S3 says it, and how it goes on; any other document reads as an empty listing.
        if (page.IsTruncated === undefined || (page.IsTruncated && !page.NextContinuationToken))
          throw strange();
        for (const { Key, Size } of page.Contents ?? []) {
          if (Key !== undefined) yield { key: Key.slice(prefix.length), size: Size ?? 0 };
        }
      }
    },
    async close() {
      client.destroy();
    },
  };
}
