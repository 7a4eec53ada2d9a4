import type { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { sha256Hex } from '../base/hash.ts';
import { createClock } from '../io/clock.ts';
import { createSigner } from './sigv4.ts';
import { isPage } from './web-fault.ts';
import { encodeKey } from './web-stream.ts';

/** Sends the requests that a transfer consists of, as the SDK would, without its middleware. */
export interface PlainS3 {
  /** True once the SDK has sent such a request, from which its address and its way of signing are known. */
  isReady(): boolean;
  /** Resolves with the object's tag, which every S3 gives. */
  put(key: string, put: PlainPut): Promise<string | undefined>;
  /** `range`: the value of such a header; `isPart`: the server heeded it. */
  get(
    key: string,
    get: { readonly range: string | undefined; readonly signal: AbortSignal },
  ): Promise<{ readonly stream: Readable; readonly type?: string | undefined; readonly isPart: boolean }>;
}

export interface PlainPut {
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes, 64 hex digits, where it is known. */
  readonly sha256: string | undefined;
  readonly signal: AbortSignal;
}

/** What one request of the SDK showed. */
interface Learned {
  readonly protocol: string;
  readonly hostname: string;
  readonly port: number | undefined;
  readonly host: string;
  /** What stands before the key in a path. */
  readonly base: string;
  readonly region: string;
  readonly userAgent: string | undefined;
}

interface SentRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
}

/** An answer that tells of an error is XML of a few lines. */
const MOST_TEXT = 64 * 1024;

/**
 * Most of what an upload of a small object costs here is the SDK's own work per request. So the SDK sends the first ones;
 * from them the rest learns host, path and region, and signs for itself. Connections, timeouts and credentials stay the
 * SDK's; errors have the shape of its own. Requests that it signs in any other way (S3 Express, SigV4a) are left to it.
 * `strange` makes the error for something that answers and is no S3.
 */
export function createPlainS3(client: S3Client, strange: () => Error): PlainS3 {
  const clock = createClock();
  const sign = createSigner();
  let learned: Learned | undefined;

  /** A login page takes whatever is sent to it. */
  function refusePage(method: string, { headers }: Pick<Answer, 'headers'>): void {
    if (method !== 'GET' && method !== 'HEAD' && isPage(headers['content-type'])) throw strange();
  }

  client.middlewareStack.add(
    (next) => async (args) => {
      const { Key } = args.input as { readonly Key?: string };
      const request = args.request as SentRequest;
      if (Key !== undefined) learned ??= learnFrom(request, Key);
      const answer = await next(args);
      const { statusCode, headers } = answer.response as Answer;
      if (statusCode < 300) refusePage(request.method, { headers });
      return answer;
    },
    { step: 'deserialize', priority: 'low', name: 'lockstepLearn' },
  );

  async function send(
    request: { readonly method: string; readonly key: string; readonly payloadHash: string },
    {
      body,
      range,
      signal,
    }: {
      readonly body?: Uint8Array;
      readonly range?: string | undefined;
      readonly signal: AbortSignal;
    },
  ): Promise<Answer> {
    if (!learned) throw new TypeError('nothing was learned yet');
    const { method, key, payloadHash } = request;
    const { protocol, hostname, port, host, base, region, userAgent } = learned;
    const credentials = await client.config.credentials();
    signal.throwIfAborted();
    const path = base + encodeKey(key);
    const nowMs = clock.now() + client.config.systemClockOffset;
    const headers = sign({ method, path, headers: { host }, payloadHash }, { credentials, region, nowMs });
    const plain = {
      method,
      protocol,
      hostname,
      path,
      query: {},
      body,
      ...(port !== undefined && { port }),
      headers: {
        host,
        ...headers,
        ...(body && { 'content-type': 'application/octet-stream', 'content-length': String(body.length) }),
        ...(range !== undefined && { range }),
        ...(userAgent !== undefined && { 'user-agent': userAgent }),
      },
    };
    const { requestHandler } = client.config;
    const sent = await requestHandler.handle(plain as never, { abortSignal: signal });
    const answer = sent.response as unknown as Answer;
    if (answer.statusCode < 200 || answer.statusCode > 299) throw await errorOf(answer);
    refusePage(method, answer);
    return answer;
  }

  return {
    isReady: () => learned !== undefined,
    async put(key, { bytes, sha256, signal }) {
      const payloadHash = sha256 ?? sha256Hex(bytes);
      const { headers, body } = await send({ method: 'PUT', key, payloadHash }, { body: bytes, signal });
      await drain(body);
      return headers['etag'];
    },
    async get(key, { range, signal }) {
      const answer = await send({ method: 'GET', key, payloadHash: NOTHING }, { range, signal });
      const type = answer.headers['content-type'];
      return { stream: answer.body, type, isPart: answer.statusCode === 206 };
    },
  };
}

const NOTHING: string = sha256Hex('');
/** As the SDK calls it. */
const UNNAMED = 'UnknownError';

function learnFrom(request: SentRequest, key: string): Learned | undefined {
  const { protocol, hostname, port, path, headers } = request;
  const region = /^AWS4-HMAC-SHA256 Credential=[^,]*\/([^/,]+)\/s3\/aws4_request,/.exec(
    headers['authorization'] ?? '',
  )?.[1];
  const host = headers['host'];
  const encoded = encodeKey(key);
  if (region === undefined || host === undefined || !path.endsWith(`/${encoded}`)) return undefined;
  if (Object.hasOwn(headers, 'x-amz-s3session-token')) return undefined;
  const base = path.slice(0, -encoded.length);
  return { protocol, hostname, port, host, base, region, userAgent: headers['user-agent'] };
}

/** Until the end of an answer is read, its connection serves nobody else. */
async function drain(body: Readable): Promise<void> {
  for await (const _ of body) continue;
}

async function errorOf({ statusCode, headers, body }: Answer): Promise<Error> {
  let text = '';
  for await (const chunk of body as AsyncIterable<Buffer>)
    if (text.length < MOST_TEXT) text += chunk.toString('utf8');
  const part = (name: string): string | undefined => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1];
  const code = part('Code');
  return Object.assign(new Error(part('Message') ?? UNNAMED), {
    name: code ?? UNNAMED,
    ...(code !== undefined && { Code: code }),
    $metadata: { httpStatusCode: statusCode },
    $response: { headers },
  });
}
