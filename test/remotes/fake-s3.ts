import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { listen } from './listen.ts';

/** One request as a test looks at it: `key` is what follows the bucket. */
export interface S3Request {
  readonly method: string;
  readonly key: string;
  readonly query: URLSearchParams;
  /** How many requests of this method came before it. */
  readonly count: number;
}

/**
 * What the fake does instead of serving: an error of S3, a cut connection, or nothing at all. `lost`: it serves, but its
 * answer does not arrive.
 */
export type Misdeed =
  | { readonly status: number; readonly code: string; readonly retryAfter?: number }
  | 'cut'
  | 'hang'
  | 'lost';

export interface FakeS3 extends AsyncDisposable {
  readonly url: string;
  readonly objects: Map<string, Buffer>;
  /** Added to the time in `Date` (ms). */
  clockMs: number;
  /** Bytes as they are given out. */
  alter: (key: string, bytes: Buffer) => Buffer;
  misbehave: (request: S3Request) => Misdeed | undefined;
  /** An upload, of an object or of a part, is answered when this has resolved. */
  hold: () => Promise<void>;
  /** The most uploads that were waiting for their answer at one time. */
  most: number;
  /** `METHOD key?query` of every request, in order of arrival. */
  readonly requests: string[];
}

/** The part of S3 that a remote uses, in this process: also for command lines that run as children. */
export async function startFakeS3(): Promise<FakeS3> {
  const counts = new Map<string, number>();
  const fake = {
    objects: new Map<string, Buffer>(),
    clockMs: 0,
    alter: (_: string, bytes: Buffer) => bytes,
    misbehave: (_: S3Request): Misdeed | undefined => undefined,
    hold: async () => undefined,
    most: 0,
    requests: [] as string[],
  };
  let uploads = 0;
  /** Parts of uploads that are not complete, by upload and number. */
  const parts = new Map<string, Map<number, Buffer>>();
  const server = createServer((request, response) => {
    void serve(request, response).catch(() => request.destroy());
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '' } = request;
    const url = new URL(request.url ?? '/', 'http://fake');
    const key = decodeURIComponent(url.pathname.split('/').slice(2).join('/'));
    response.setHeader('date', new Date(Date.now() + fake.clockMs).toUTCString());
    const count = counts.get(method) ?? 0;
    counts.set(method, count + 1);
    const query = url.searchParams;
    fake.requests.push(`${method} ${key}${url.search}`);
    const misdeed = fake.misbehave({ method, key, query, count });
    if (misdeed === 'hang') return;
    if (misdeed === 'cut') {
      request.socket.resetAndDestroy();
      return;
    }
    const sent = await buffer(request);
    if (misdeed && misdeed !== 'lost') return refuse(response, misdeed);
    if (misdeed === 'lost') response.end = () => (request.socket.resetAndDestroy(), response);
    if (query.has('list-type')) return list(response, query.get('prefix') ?? '');
    const bytes = fake.objects.get(key);
    const upload = query.get('uploadId');
    if (method === 'PUT') {
      fake.most = Math.max(fake.most, ++uploads);
      await fake.hold();
      uploads--;
      if (upload === null) fake.objects.set(key, sent);
      else parts.get(upload)?.set(Number(query.get('partNumber')), sent);
      response.writeHead(200, { etag: '"0"' }).end();
    } else if (method === 'POST') {
      if (upload === null) begin(response);
      else complete(response, key, upload);
    } else if (upload !== null) {
      parts.delete(upload);
      response.writeHead(204).end();
    } else if (method === 'DELETE') {
      fake.objects.delete(key);
      response.writeHead(204).end();
    } else if (key === '') response.writeHead(200).end();
    else if (!bytes) refuse(response, { status: 404, code: 'NoSuchKey' });
    else {
      const given = fake.alter(key, bytes);
      response.writeHead(200, { 'content-length': given.length, etag: '"0"' });
      response.end(method === 'HEAD' ? undefined : given);
    }
  }

  function begin(response: ServerResponse): void {
    const upload = `upload-${fake.requests.length}`;
    parts.set(upload, new Map());
    answerXml(
      response,
      `<InitiateMultipartUploadResult><UploadId>${upload}</UploadId></InitiateMultipartUploadResult>`,
    );
  }

  function complete(response: ServerResponse, key: string, upload: string): void {
    const sent = parts.get(upload);
    if (!sent) return refuse(response, { status: 404, code: 'NoSuchUpload' });
    parts.delete(upload);
    fake.objects.set(key, Buffer.concat([...sent].sort(([a], [b]) => a - b).map(([, bytes]) => bytes)));
    answerXml(response, '<CompleteMultipartUploadResult><ETag>"0"</ETag></CompleteMultipartUploadResult>');
  }

  function list(response: ServerResponse, prefix: string): void {
    const contents = [...fake.objects]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, { length }]) => `<Contents><Key>${key}</Key><Size>${length}</Size></Contents>`);
    answerXml(
      response,
      `<ListBucketResult><IsTruncated>false</IsTruncated>${contents.join('')}</ListBucketResult>`,
    );
  }

  return Object.assign(fake, await listen(server));
}

function answerXml(response: ServerResponse, xml: string): void {
  response.writeHead(200, { 'content-type': 'application/xml' }).end(`<?xml version="1.0"?>${xml}`);
}

function refuse(response: ServerResponse, { status, code, retryAfter }: Exclude<Misdeed, string>): void {
  if (retryAfter !== undefined) response.setHeader('retry-after', retryAfter);
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`);
}

/** remotes.yaml for the fake; the secret comes from the environment variable `FAKE_SECRET`. */
export function fakeS3Yaml(url: string): string {
  return (
    'remotes:\n  cloud:\n    url: s3://bucket/some\n' +
    `    endpoint: ${url}\n    access_key_id: AKFAKE\n    secret_access_key: "\${env:FAKE_SECRET}"\n`
  );
}
