import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { parseDriveQuery } from './fake-drive-query.ts';
import { callOf, faultOfParameters, selectFields } from './fake-drive-rules.ts';
import type { DriveCall } from './fake-drive-rules.ts';
import { createFakeUploads, parseMultipart } from './fake-uploads.ts';
import type { FakeUpload, UploadHostility } from './fake-uploads.ts';
import { listen } from './listen.ts';
import { beginRange } from './send-range.ts';

/** A file as the fake keeps it. */
export interface FakeFile {
  readonly id: string;
  name: string;
  mimeType: string;
  parents: string[];
  bytes: Buffer;
  trashed: boolean;
}

/** What the fake does to its clients. */
export interface Hostility extends UploadHostility {
  /** Files per page, whatever the client asks for. */
  pageSize?: number;
  /** Searches show what was so long ago (ms of the virtual clock): new files late, and old names and removed files still. */
  lagMs?: number;
  /** Requests per second of the virtual clock; more are refused with 403 userRateLimitExceeded. */
  perSecond?: number;
  /** Answers one request in the server's place when it returns something. */
  refuse?: (request: {
    readonly method: string;
    readonly path: string;
    readonly query: URLSearchParams;
  }) => Refusal | undefined;
  /** So many downloads are cut in the middle. */
  cutDownloads?: number;
  /** So many searches are broken off after their first file. */
  incompleteSearches?: number;
  /** The next upload is stored with a wrong byte. */
  corruptNext?: boolean;
  /**
   * The root folder lies in a shared drive, of which the account is a member, or a guest who was given that folder alone.
   * Left out, it is the account's own.
   */
  readonly sharedDrive?: 'member' | 'guest';
  /** The account may read everything and write nothing. */
  isViewer?: boolean;
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
  readonly files: ReadonlyMap<string, FakeFile>;
  readonly hostility: Hostility;
  /** Virtual epoch ms; `sleep` moves it. */
  readonly clock: { now(): number; sleep(ms: number): Promise<void> };
  /** `METHOD path?query` of every request, in order of arrival. */
  readonly requests: string[];
  /** `session first-last` of each piece that came. */
  readonly pieces: readonly string[];
  add(file: {
    readonly name: string;
    readonly parent: string;
    readonly bytes?: Buffer;
    readonly id?: string;
    readonly trashed?: boolean;
  }): FakeFile;
  /** What somebody else does to a file. */
  change(id: string, changes: { readonly name?: string; readonly trashed?: boolean }): void;
  /** Removes a file for good; searches show it while they lag. */
  purge(id: string): void;
}

const FOLDER = 'application/vnd.google-apps.folder';
const DRIVE_ID = 'sharedDrive1';

/** The answer to a call: a refusal, or the resource. */
type Answer = { readonly refusal: Refusal } | { readonly resource: Record<string, unknown> };
const refused = (status: number, reason: string, message = reason): Answer => ({
  refusal: { status, reason, message },
});

/**
 * A server that behaves like Drive v3 at its worst, after https://developers.google.com/workspace/drive/api and the extract
 * of its reference in drive-v3.json: names are not unique, searches lag, pages are short, rates are limited on a virtual
 * clock, uploads are cut, and what lies in a shared drive is there only for requests that say how.
 */
export async function startFakeDrive(hostility: Hostility = {}): Promise<FakeDrive> {
  const files = new Map<string, FakeFile>();
  /** What searches know of each file, oldest first; `undefined` once it is gone. */
  const index = new Map<string, { readonly at: number; readonly file: FakeFile | undefined }[]>();
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
  const isShared = hostility.sharedDrive !== undefined;
  const isMember = hostility.sharedDrive === 'member';
  const uploads = createFakeUploads(hostility, (upload) => resource(store(upload)));

  function noteChange(id: string): void {
    const file = files.get(id);
    const known = index.get(id) ?? [];
    index.set(id, [...known, { at: now, file: file && { ...file } }]);
  }

  function add(file: Parameters<FakeDrive['add']>[0] & { readonly mimeType?: string | undefined }): FakeFile {
    // Ids in no order of time, as Drive's.
    const id = file.id ?? createHash('md5').update(`id ${counter++}`).digest('base64url');
    const made: FakeFile = {
      id,
      name: file.name,
      mimeType: file.mimeType ?? (file.bytes ? 'application/octet-stream' : FOLDER),
      parents: [file.parent],
      bytes: file.bytes ?? Buffer.alloc(0),
      trashed: file.trashed ?? false,
    };
    files.set(id, made);
    noteChange(id);
    return made;
  }
  const root = add({ name: 'root folder', parent: 'none', id: 'rootFolder1' }).id;

  function resource(file: FakeFile): Record<string, unknown> {
    const { id, name, mimeType, parents, trashed, bytes } = file;
    return {
      kind: 'drive#file',
      id,
      name,
      mimeType,
      parents,
      trashed,
      ...(mimeType !== FOLDER && {
        size: String(bytes.length),
        md5Checksum: createHash('md5').update(bytes).digest('hex'),
      }),
      ...(isShared && { driveId: DRIVE_ID, capabilities: { canReadDrive: isMember } }),
    };
  }

  function store({ metadata, id, bytes: sent }: FakeUpload): FakeFile {
    const bytes = Buffer.from(sent);
    if (hostility.corruptNext === true) {
      hostility.corruptNext = false;
      bytes[0] = (bytes[0] ?? 0) ^ 1;
    }
    const old = id === undefined ? undefined : files.get(id);
    if (!old) return add({ name: metadata.name ?? '', parent: metadata.parents?.[0] ?? root, bytes });
    old.bytes = bytes;
    change(old.id, metadata);
    return old;
  }

  function change(id: string, changes: { readonly name?: string; readonly trashed?: boolean }): void {
    const file = files.get(id);
    if (!file) throw new TypeError(`there is no file ${id}`);
    if (changes.name !== undefined) file.name = changes.name;
    if (changes.trashed !== undefined) file.trashed = changes.trashed;
    noteChange(id);
  }

  function list(query: URLSearchParams): Answer {
    const matches = parseDriveQuery(query.get('q') ?? '');
    if (!matches) return refused(400, 'invalid', `Invalid Value: q=${query.get('q')}`);
    const isDrive = query.get('corpora') === 'drive';
    const isTold = ['includeItemsFromAllDrives', 'supportsAllDrives'].every(
      (name) => query.get(name) === 'true',
    );
    if (isDrive !== query.has('driveId') || (isDrive && !isTold))
      return refused(400, 'invalid', 'corpora=drive, driveId, and support of all drives belong together');
    if (isDrive && (!isMember || query.get('driveId') !== DRIVE_ID))
      return refused(404, 'notFound', `Shared drive not found: ${query.get('driveId')}`);
    // Of a shared drive the account's own corpus has what was shared with the account itself, and for a member nothing.
    const isSeen = !isShared || isDrive || (isTold && !isMember);
    const known = [...index.values()].flatMap(
      (states) => states.findLast(({ at }) => at + (hostility.lagMs ?? 0) <= now)?.file ?? [],
    );
    const all = isSeen ? known.filter(matches) : [];
    const from = Number(query.get('pageToken') ?? 0);
    const isIncomplete = (hostility.incompleteSearches ?? 0) > 0;
    if (isIncomplete) hostility.incompleteSearches = (hostility.incompleteSearches ?? 0) - 1;
    const asked = Math.min(Number(query.get('pageSize') ?? 100), hostility.pageSize ?? 1000);
    const size = isIncomplete ? 1 : asked;
    return {
      resource: {
        kind: 'drive#fileList',
        incompleteSearch: isIncomplete,
        files: all.slice(from, from + size).map(resource),
        ...(!isIncomplete && from + size < all.length && { nextPageToken: String(from + size) }),
      },
    };
  }

  /** A call that is well formed and has its body, JSON alone or with bytes. */
  function perform({ method, fileId }: DriveCall, query: URLSearchParams, sent: Partial<FakeUpload>): Answer {
    if (method === 'list') return list(query);
    const { metadata = {}, bytes } = sent;
    if (bytes) return { resource: resource(store({ metadata, id: fileId, bytes })) };
    if (method === 'create') {
      const { mimeType } = metadata as { readonly mimeType?: string };
      const made = { name: metadata.name ?? '', parent: metadata.parents?.[0] ?? root, mimeType };
      return { resource: resource(add(made)) };
    }
    if (method === 'update') change(fileId ?? '', metadata);
    const file = files.get(fileId ?? '');
    return file ? { resource: resource(file) } : refused(404, 'notFound');
  }

  /** What keeps a request from being looked at any further. */
  function refusalFor(method: string, path: string, query: URLSearchParams): Refusal | undefined {
    const own = hostility.refuse?.({ method, path, query });
    if (own) return own;
    if (hostility.perSecond === undefined) return undefined;
    while (arrivals[0] !== undefined && arrivals[0] <= now - 1000) arrivals.shift();
    if (arrivals.length >= hostility.perSecond)
      return { status: 403, reason: 'userRateLimitExceeded', message: 'User Rate Limit Exceeded' };
    arrivals.push(now);
    return undefined;
  }

  /** What keeps a call from reaching its file, or the folder that is to hold it. */
  function faultOf(call: DriveCall, query: URLSearchParams, parent: string | undefined): Answer | undefined {
    const fault = faultOfParameters(call, query);
    if (fault !== undefined) return refused(400, 'invalidParameter', fault);
    if (call.method === 'list') return undefined;
    const isTold = !isShared || query.get('supportsAllDrives') === 'true';
    if (!files.has(call.fileId ?? parent ?? root) || !isTold)
      return refused(404, 'notFound', 'File not found');
    if (hostility.isViewer === true && call.method !== 'get')
      return refused(403, 'insufficientFilePermissions', 'The user does not have sufficient permissions.');
    return undefined;
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname: path, searchParams: query, search } = new URL(request.url ?? '/', 'http://fake');
    const method = request.method ?? '';
    requests.push(`${method} ${path}${search}`);
    const json = (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): void => {
      const date = new Date(now).toUTCString();
      response.writeHead(status, { 'content-type': 'application/json', date, ...headers });
      response.end(JSON.stringify(value));
    };
    const fail = ({ status, reason = 'notFound', message = reason, headers }: Refusal): void =>
      json(status, { error: { code: status, message, errors: [{ reason, message }] } }, headers);

    const refusal = refusalFor(method, path, query);
    if (!refusal && uploads.knows(path)) return uploads.receive(path, request, response);
    const body = await buffer(request);
    if (refusal) return fail(refusal);
    if (path === '/token')
      return json(200, { access_token: 'access-canary', expires_in: 3600, token_type: 'Bearer' });
    if (request.headers.authorization !== 'Bearer access-canary')
      return fail({ status: 401, reason: 'authError' });
    const call = callOf(method, path);
    if (!call) return fail({ status: 404, reason: 'notFound', message: `no method ${method} ${path}` });
    const isMultipart = query.get('uploadType') === 'multipart';
    const sent: Partial<FakeUpload> = isMultipart
      ? parseMultipart(request, body)
      : { metadata: JSON.parse(body.toString() || '{}') as FakeUpload['metadata'] };
    const fault = faultOf(call, query, sent.metadata?.parents?.[0]);
    if (fault && 'refusal' in fault) return fail(fault.refusal);
    if (call.isUpload && !isMultipart) {
      const total = Number(request.headers['x-upload-content-length']);
      const location = listening.url + uploads.begin(sent.metadata ?? {}, call.fileId, total);
      return json(200, {}, { location });
    }
    if (call.method === 'get' && query.get('alt') === 'media')
      return sendBytes(request, response, files.get(call.fileId ?? '')?.bytes ?? Buffer.alloc(0));
    const made = perform(call, query, sent);
    if ('refusal' in made) return fail(made.refusal);
    const told = selectFields(call, query.get('fields'), made.resource);
    if (typeof told === 'string') return fail({ status: 400, reason: 'invalidParameter', message: told });
    json(200, told);
  }

  function sendBytes(request: IncomingMessage, response: ServerResponse, content: Buffer): void {
    const bytes = beginRange(request, response, content);
    if ((hostility.cutDownloads ?? 0) > 0) {
      hostility.cutDownloads = (hostility.cutDownloads ?? 0) - 1;
      response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
    } else response.end(bytes);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.destroy();
      // A request that the client broke off itself.
      if (!request.destroyed) throw error;
    });
  });
  const listening = await listen(server);
  return {
    ...listening,
    root,
    files,
    hostility,
    clock,
    requests,
    pieces: uploads.pieces,
    add,
    change,
    purge(id) {
      files.delete(id);
      noteChange(id);
    },
  };
}
