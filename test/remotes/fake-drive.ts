import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beginRange } from './send-range.ts';

/** A file as the fake keeps it. */
export interface FakeFile {
  readonly id: string;
  name: string;
  mimeType: string;
  parents: string[];
  bytes: Buffer;
  trashed: boolean;
  /** Searches show it from this instant of the virtual clock on. */
  shownAt: number;
}

/** What the fake does to its clients. */
export interface Hostility {
  /** Files per page, whatever the client asks for. */
  pageSize?: number;
  /** New files stay out of searches for so long (ms of the virtual clock). */
  lagMs?: number;
  /** Requests per second of the virtual clock; more are refused with 403 userRateLimitExceeded. */
  perSecond?: number;
  /** Answers one request in the server's place when it returns something. */
  refuse?: (request: {
    readonly method: string;
    readonly path: string;
    readonly query: URLSearchParams;
  }) => Refusal | undefined;
  /** So many uploads of a piece are cut after half of it arrived; the half is kept. */
  cuts?: number;
  /** So many uploads of a piece are stored and then answered by a closed connection. */
  lostAnswers?: number;
  /** So many downloads are cut in the middle. */
  cutDownloads?: number;
  /** The next upload is stored with a wrong byte. */
  corruptNext?: boolean;
}

export interface Refusal {
  readonly status: number;
  readonly reason?: string;
  readonly message?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface FakeDrive extends AsyncDisposable {
  readonly url: string;
  readonly root: string;
  readonly files: Map<string, FakeFile>;
  readonly hostility: Hostility;
  /** Virtual epoch ms; `sleep` moves it. */
  readonly clock: { now(): number; sleep(ms: number): Promise<void> };
  /** `METHOD path?query` of every request, in order of arrival. */
  readonly requests: string[];
  add(file: {
    readonly name: string;
    readonly parent: string;
    readonly bytes?: Buffer;
    readonly id?: string;
    readonly trashed?: boolean;
  }): FakeFile;
}

interface Session {
  readonly metadata: { readonly name?: string; readonly parents?: string[]; readonly trashed?: boolean };
  readonly id: string | undefined;
  readonly total: number;
  bytes: Buffer;
}

const FOLDER = 'application/vnd.google-apps.folder';

/**
 * A server that behaves like Drive v3 at its worst, after https://developers.google.com/workspace/drive/api: names are
 * not unique, searches lag, pages are short, rates are limited on a virtual clock, uploads are cut.
 */
export async function startFakeDrive(hostility: Hostility = {}): Promise<FakeDrive> {
  const files = new Map<string, FakeFile>();
  const sessions = new Map<string, Session>();
  const requests: string[] = [];
  const arrivals: number[] = [];
  let now = 1_700_000_000_000;
  let counter = 0;
  const clock = {
    now: () => now,
    sleep: async (ms: number): Promise<void> => {
      now += ms;
    },
  };

  function add(file: {
    name: string;
    parent: string;
    bytes?: Buffer;
    id?: string;
    trashed?: boolean;
    mimeType?: string;
  }): FakeFile {
    // Ids in no order of time, as Drive's.
    const id = file.id ?? createHash('md5').update(`id ${counter++}`).digest('base64url');
    const made: FakeFile = {
      id,
      name: file.name,
      mimeType: file.mimeType ?? (file.bytes ? 'application/octet-stream' : FOLDER),
      parents: [file.parent],
      bytes: file.bytes ?? Buffer.alloc(0),
      trashed: file.trashed ?? false,
      shownAt: now + (hostility.lagMs ?? 0),
    };
    files.set(id, made);
    return made;
  }
  const root = add({ name: 'root folder', parent: 'none', id: 'rootFolder1' }).id;

  function resource(file: FakeFile): Record<string, unknown> {
    const bytes =
      file.mimeType === FOLDER
        ? {}
        : {
            size: String(file.bytes.length),
            md5Checksum: createHash('md5').update(file.bytes).digest('hex'),
          };
    return {
      id: file.id,
      name: file.name,
      mimeType: file.mimeType,
      parents: file.parents,
      trashed: file.trashed,
      ...bytes,
    };
  }

  /** The queries that a remote makes: comparisons with `and`, `or` and parentheses, evaluated from the left. */
  function matches(file: FakeFile, query: string): boolean {
    const unquote = (text: string): string => text.replaceAll(/\\(.)/g, '$1');
    const parents = [...query.matchAll(/'((?:[^'\\]|\\.)*)' in parents/g)].map((match) =>
      unquote(match[1] ?? ''),
    );
    const name = /name = '((?:[^'\\]|\\.)*)'/.exec(query)?.[1];
    const type = /mimeType = '([^']*)'/.exec(query)?.[1];
    if (parents.length > 0 && !file.parents.some((id) => parents.includes(id))) return false;
    // Drive compares names without regard to case.
    if (name !== undefined && unquote(name).toLowerCase() !== file.name.toLowerCase()) return false;
    if (type !== undefined && file.mimeType !== type) return false;
    return !(query.includes('trashed = false') && file.trashed);
  }

  function store(session: Pick<Session, 'metadata' | 'id' | 'bytes'>): FakeFile {
    const bytes = Buffer.from(session.bytes);
    if (hostility.corruptNext === true) {
      hostility.corruptNext = false;
      bytes[0] = (bytes[0] ?? 0) ^ 1;
    }
    const old = session.id === undefined ? undefined : files.get(session.id);
    if (old) {
      old.bytes = bytes;
      if (session.metadata.trashed !== undefined) old.trashed = session.metadata.trashed;
      return old;
    }
    return add({ name: session.metadata.name ?? '', parent: session.metadata.parents?.[0] ?? root, bytes });
  }

  function list(query: URLSearchParams): Record<string, unknown> {
    const all = [...files.values()].filter(
      (file) => file.shownAt <= now && matches(file, query.get('q') ?? ''),
    );
    const from = Number(query.get('pageToken') ?? 0);
    const size = Math.min(Number(query.get('pageSize') ?? 100), hostility.pageSize ?? 1000);
    const page = all.slice(from, from + size);
    return {
      files: page.map(resource),
      ...(from + size < all.length && { nextPageToken: String(from + size) }),
    };
  }

  function refusalFor(request: {
    method: string;
    path: string;
    query: URLSearchParams;
  }): Refusal | undefined {
    const own = hostility.refuse?.(request);
    if (own) return own;
    if (hostility.perSecond === undefined) return undefined;
    while (arrivals[0] !== undefined && arrivals[0] <= now - 1000) arrivals.shift();
    if (arrivals.length >= hostility.perSecond)
      return { status: 403, reason: 'userRateLimitExceeded', message: 'User Rate Limit Exceeded' };
    arrivals.push(now);
    return undefined;
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fake');
    const { pathname: path, searchParams: query } = url;
    const method = request.method ?? '';
    requests.push(`${method} ${path}${url.search}`);
    const json = (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): void => {
      response.writeHead(status, {
        'content-type': 'application/json',
        date: new Date(now).toUTCString(),
        ...headers,
      });
      response.end(JSON.stringify(value));
    };
    const fail = ({ status, reason = 'notFound', message = reason, headers }: Refusal): void =>
      json(
        status,
        { error: { code: status, message, errors: [{ reason, message, domain: 'global' }] } },
        headers,
      );

    const refusal = refusalFor({ method, path, query });
    if (refusal) {
      await readBytes(request);
      return fail(refusal);
    }
    if (path === '/token') {
      await readBytes(request);
      return json(200, { access_token: 'access-canary', expires_in: 3600, token_type: 'Bearer' });
    }
    if (request.headers.authorization !== 'Bearer access-canary')
      return fail({ status: 401, reason: 'authError' });

    const id = /^(?:\/upload)?\/drive\/v3\/files\/([^/]+)$/.exec(path)?.[1];
    const session = sessions.get(/^\/session\/(\d+)$/.exec(path)?.[1] ?? '');
    if (session) return receivePiece(request, response, { session, json });
    if (id !== undefined && !files.has(id)) return fail({ status: 404 });
    const file = id === undefined ? undefined : files.get(id);

    if (path.startsWith('/upload/')) {
      if (query.get('uploadType') === 'resumable') {
        const metadata = JSON.parse((await readBytes(request)).toString()) as Session['metadata'];
        const key = String(sessions.size + 1);
        const total = Number(request.headers['x-upload-content-length']);
        sessions.set(key, { metadata, id, total, bytes: Buffer.alloc(0) });
        return json(200, {}, { location: `${base()}/session/${key}` });
      }
      const { metadata, bytes } = parseMultipart(request, await readBytes(request));
      return json(200, resource(store({ metadata, id, bytes })));
    }
    if (method === 'GET' && file === undefined) return json(200, list(query));
    if (method === 'GET' && file && query.get('alt') === 'media') return sendBytes(request, response, file);
    if (method === 'GET' && file) return json(200, resource(file));
    const body = JSON.parse((await readBytes(request)).toString() || '{}') as Partial<FakeFile>;
    if (method === 'POST') {
      return json(
        200,
        resource(
          add({
            name: body.name ?? '',
            parent: body.parents?.[0] ?? root,
            ...(body.mimeType !== undefined && { mimeType: body.mimeType }),
          }),
        ),
      );
    }
    if (method === 'PATCH' && file) {
      if (body.trashed !== undefined) file.trashed = body.trashed;
      return json(200, resource(file));
    }
    fail({ status: 405, reason: 'methodNotAllowed' });
  }

  function sendBytes(request: IncomingMessage, response: ServerResponse, file: FakeFile): void {
    const bytes = beginRange(request, response, file.bytes);
    if ((hostility.cutDownloads ?? 0) > 0) {
      hostility.cutDownloads = (hostility.cutDownloads ?? 0) - 1;
      response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
    } else response.end(bytes);
  }

  async function receivePiece(
    request: IncomingMessage,
    response: ServerResponse,
    {
      session,
      json,
    }: { session: Session; json: (status: number, value: unknown, headers?: Record<string, string>) => void },
  ): Promise<void> {
    const piece = await readBytes(request);
    const range = /^bytes (?:\*|(\d+)-(\d+))\/(\d+)$/.exec(request.headers['content-range'] ?? '');
    const start = range?.[1] === undefined ? undefined : Number(range[1]);
    if (start !== undefined && start !== session.bytes.length)
      return json(400, {
        error: { code: 400, message: `expected offset ${session.bytes.length}, got ${start}` },
      });
    if (start !== undefined && (hostility.cuts ?? 0) > 0) {
      hostility.cuts = (hostility.cuts ?? 0) - 1;
      // A server keeps multiples of 256 KiB of what it received.
      const kept = Math.floor(piece.length / 2 / 262_144) * 262_144;
      session.bytes = Buffer.concat([session.bytes, piece.subarray(0, kept)]);
      response.destroy();
      return;
    }
    if (start !== undefined) session.bytes = Buffer.concat([session.bytes, piece]);
    if ((hostility.lostAnswers ?? 0) > 0) {
      hostility.lostAnswers = (hostility.lostAnswers ?? 0) - 1;
      response.destroy();
      return;
    }
    if (session.bytes.length >= session.total) return json(200, resource(store(session)));
    const held = session.bytes.length;
    response.writeHead(308, held > 0 ? { range: `bytes=0-${held - 1}` } : {}).end();
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.destroy();
      // A request that the client broke off itself.
      if (!request.destroyed) throw error;
    });
  });
  const base = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: base(),
    root,
    files,
    hostility,
    clock,
    requests,
    add,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function parseMultipart(
  request: IncomingMessage,
  whole: Buffer,
): { metadata: Session['metadata']; bytes: Buffer } {
  const boundary = `--${/boundary=(.+)$/.exec(request.headers['content-type'] ?? '')?.[1]}`;
  const jsonStart = whole.indexOf('\r\n\r\n') + 4;
  const jsonEnd = whole.indexOf(`\r\n${boundary}`, jsonStart);
  const bytesStart = whole.indexOf('\r\n\r\n', jsonEnd + boundary.length) + 4;
  const bytesEnd = whole.lastIndexOf(`\r\n${boundary}--`);
  return {
    metadata: JSON.parse(whole.subarray(jsonStart, jsonEnd).toString()) as Session['metadata'],
    bytes: whole.subarray(bytesStart, bytesEnd),
  };
}
