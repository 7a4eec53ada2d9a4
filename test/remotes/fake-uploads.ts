import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** What an upload is to become. */
export interface UploadMetadata {
  readonly name?: string;
  readonly parents?: string[];
  readonly trashed?: boolean;
}

export interface FakeUpload {
  readonly metadata: UploadMetadata;
  /** Of the file whose bytes are replaced. */
  readonly id: string | undefined;
  readonly bytes: Buffer;
}

/** What sessions suffer. */
export interface UploadHostility {
  /** So many uploads of a piece are cut after half of it arrived; the half is kept. */
  cuts?: number;
  /** So many uploads of a piece are stored and then answered by a closed connection. */
  lostAnswers?: number;
  /** So many pieces are answered as if they had come, and are not kept. */
  ignored?: number;
  /** So many sessions have lost everything when they are asked what they hold. */
  forgotten?: number;
}

/** Resumable uploads as Cloud Storage and Drive have them. */
export interface FakeUploads {
  /** Path of a new session. */
  begin(metadata: UploadMetadata, id: string | undefined, total: number): string;
  /** True for paths that `begin` gave. */
  knows(path: string): boolean;
  /** Answers a PUT to a session. */
  receive(path: string, request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** `session first-last` of each piece that came, in order, whether it was kept or not. */
  readonly pieces: readonly string[];
}

interface Session extends FakeUpload {
  readonly total: number;
  /** What became of it, once all is there. */
  readonly resource?: unknown;
}

/** Pieces but the last have to be multiples of this. */
const STEP = 262_144;

/**
 * After https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable: pieces come in order, 308 tells
 * how much is held, and the last piece is answered with what `store` makes of the whole.
 */
export function createFakeUploads(
  hostility: UploadHostility,
  store: (upload: FakeUpload) => unknown,
): FakeUploads {
  const sessions = new Map<string, Session>();
  const pieces: string[] = [];
  const takeOne = (name: keyof UploadHostility): boolean => {
    const left = hostility[name] ?? 0;
    hostility[name] = Math.max(0, left - 1);
    return left > 0;
  };

  return {
    pieces,
    begin(metadata, id, total) {
      const path = `/session/${sessions.size + 1}`;
      sessions.set(path, { metadata, id, total, bytes: Buffer.alloc(0) });
      return path;
    },
    knows: (path) => sessions.has(path),
    async receive(path, request, response) {
      const session = sessions.get(path);
      if (!session) throw new TypeError(`there is no session ${path}`);
      const piece = await buffer(request);
      const range = /^bytes (?:\*|(\d+)-(\d+))\/(\d+)$/.exec(request.headers['content-range'] ?? '');
      const isQuestion = range?.[1] === undefined;
      const { bytes, total } = session;
      let { resource } = session;
      let held = bytes;
      if (!isQuestion) {
        pieces.push(`${path} ${range[1]}-${range[2]}`);
        const end = Number(range[2]) + 1;
        const isWhole = end === total || (end - Number(range[1])) % STEP === 0;
        if (Number(range[1]) !== bytes.length || end - bytes.length !== piece.length || !isWhole)
          return refuse(response, `expected offset ${bytes.length}, got ${range[0]}`);
        const isCut = takeOne('cuts');
        const part = isCut ? Math.floor(piece.length / 2 / STEP) * STEP : piece.length;
        const kept = takeOne('ignored') ? 0 : part;
        held = Buffer.concat([bytes, piece.subarray(0, kept)]);
        if (held.length === total) resource = store({ ...session, bytes: held });
        sessions.set(path, { ...session, bytes: held, resource });
        if (isCut) return void response.destroy();
      }
      if (isQuestion && takeOne('forgotten')) {
        held = Buffer.alloc(0);
        sessions.set(path, { ...session, bytes: held });
      }
      if (takeOne('lostAnswers')) return void response.destroy();
      if (resource !== undefined) {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(resource));
        return;
      }
      response.writeHead(308, held.length > 0 ? { range: `bytes=0-${held.length - 1}` } : {}).end();
    },
  };
}

function refuse(response: ServerResponse, message: string): void {
  response.writeHead(400, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: { code: 400, message } }));
}

/** The two parts of a `multipart/related` upload. */
export function parseMultipart(
  request: Pick<IncomingMessage, 'headers'>,
  whole: Buffer,
): { readonly metadata: UploadMetadata; readonly bytes: Buffer } {
  const boundary = `--${/boundary=(.+)$/.exec(request.headers['content-type'] ?? '')?.[1]}`;
  const jsonStart = whole.indexOf('\r\n\r\n') + 4;
  const jsonEnd = whole.indexOf(`\r\n${boundary}`, jsonStart);
  const bytesStart = whole.indexOf('\r\n\r\n', jsonEnd + boundary.length) + 4;
  const bytesEnd = whole.lastIndexOf(`\r\n${boundary}--`);
  return {
    metadata: JSON.parse(whole.subarray(jsonStart, jsonEnd).toString()) as UploadMetadata,
    bytes: whole.subarray(bytesStart, bytesEnd),
  };
}
