import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as a test looks at it: `key` is what follows the bucket. */
export interface S3Request {
  readonly method: string;
  readonly key: string;
  /** How many requests of this method came before it. */
  readonly count: number;
}

/** What the fake does instead of serving: an error of S3, a cut connection, or nothing at all. */
export type Misdeed =
  | { readonly status: number; readonly code: string; readonly retryAfter?: number }
  | 'cut'
  | 'hang';

export interface FakeS3 extends AsyncDisposable {
  readonly url: string;
  readonly objects: Map<string, Buffer>;
  /** Added to the time in `Date` (ms). */
  clockMs: number;
  /** Bytes as they are given out. */
  alter: (key: string, bytes: Buffer) => Buffer;
  misbehave: (request: S3Request) => Misdeed | undefined;
  /** An upload is answered when this has resolved. */
  hold: () => Promise<void>;
  /** The most uploads that were waiting for their answer at one time. */
  most: number;
}

/** The part of S3 that a remote of small objects uses, in this process: for command lines that run as children. */
export async function startFakeS3(): Promise<FakeS3> {
  const counts = new Map<string, number>();
  const fake = {
    url: '',
    objects: new Map<string, Buffer>(),
    clockMs: 0,
    alter: (_: string, bytes: Buffer) => bytes,
    misbehave: (_: S3Request): Misdeed | undefined => undefined,
    hold: async () => undefined,
    most: 0,
  };
  let uploads = 0;
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
    const misdeed = fake.misbehave({ method, key, count });
    if (misdeed === 'hang') return;
    if (misdeed === 'cut') {
      request.socket.resetAndDestroy();
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    if (misdeed) return refuse(response, misdeed);
    if (url.searchParams.has('list-type')) return list(response, url.searchParams.get('prefix') ?? '');
    const bytes = fake.objects.get(key);
    if (method === 'PUT') {
      fake.most = Math.max(fake.most, ++uploads);
      await fake.hold();
      uploads--;
      fake.objects.set(key, Buffer.concat(chunks));
      response.writeHead(200, { etag: '"0"' }).end();
    } else if (method === 'DELETE') {
      fake.objects.delete(key);
      response.writeHead(204).end();
    } else if (key === '') response.writeHead(200).end();
    else if (!bytes) refuse(response, { status: 404, code: 'NoSuchKey' });
    else {
      const given = fake.alter(key, bytes);
      response.writeHead(200, { 'content-length': given.length });
      response.end(method === 'HEAD' ? undefined : given);
    }
  }

  function list(response: ServerResponse, prefix: string): void {
    const contents = [...fake.objects]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, { length }]) => `<Contents><Key>${key}</Key><Size>${length}</Size></Contents>`);
    response.writeHead(200, { 'content-type': 'application/xml' });
    response.end(
      `<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated>${contents.join('')}</ListBucketResult>`,
    );
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  fake.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.assign(fake, {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
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
