import { createRunningHash, digestOf, hashBytes } from '../base/hash.ts';
import type { Body, RemoteConfig, SourceStream, TryAgain } from '../base/remote.ts';
import { withFaults } from './faults.ts';
import { fillParts } from './fill-parts.ts';
import { googleFaultExcept404, uploadGivenUp } from './google-fault.ts';
import { orStopped } from './or-stopped.ts';
import type { Room } from './room.ts';
import { transferChanged } from './verify.ts';
import { sendRequest } from './web-request.ts';
import { answerSource, rangeFrom, readBody } from './web-stream.ts';

/** Up to this size bytes go up with their metadata in one request; above it in pieces of this size. */
const PIECE_BYTES = 8 * 1024 * 1024;
const ANSWER_MS = 60_000;
/** So long after the last of its bytes were taken a piece has to be stored: what lies between may hold some. */
const PIECE_MS = 300_000;
/** What a session answers that is no more: it was open for too long, or Google lost it. */
const GONE: readonly number[] = [404, 410];

export interface MediaOptions {
  /** What identifies us, for a url. */
  readonly headersFor: (url: string) => Promise<Headers>;
  /** For each part of an upload by itself, so that a wait keeps what the server has. */
  readonly tryAgain: TryAgain;
  readonly room: Room;
}

/** What is to be made of the bytes that are sent. */
export interface UploadTarget {
  /** Endpoint without `uploadType`; it has a query already. */
  readonly url: string;
  readonly method: 'POST' | 'PATCH';
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** What the server made of an upload, and what was sent. */
export interface Uploaded {
  readonly resource: Readonly<Record<string, unknown>>;
  /** MD5 of the bytes that were sent, hex: servers tell the MD5 of what they stored. */
  readonly md5: string;
}

/** Moves bytes to and from Google's APIs (Cloud Storage and Drive have one protocol for it). */
export interface Media {
  /** `from`: as in `Remote.get`. */
  download(url: string, signal: AbortSignal, from?: number): Promise<SourceStream>;
  upload(target: UploadTarget, body: Body, signal: AbortSignal): Promise<Uploaded>;
}

/**
 * Uploads as `multipart` when small and as a `resumable` session otherwise; a session that is cut or refused is asked
 * how far it came and goes on from there. A 404 is thrown as it came. Protocol:
 * https://cloud.google.com/storage/docs/performing-resumable-uploads
 */
export function createMedia(config: RemoteConfig, { headersFor, tryAgain, room }: MediaOptions): Media {
  const faultOf = (error: unknown): unknown => googleFaultExcept404(config, error);

  interface Sending {
    readonly method: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: Uint8Array<ArrayBuffer> | string | undefined;
    readonly withinMs?: number;
  }

  async function send(
    url: string,
    signal: AbortSignal,
    { method, headers, body, withinMs }: Sending,
  ): Promise<Response> {
    signal.throwIfAborted();
    const all = new Headers(await orStopped(headersFor(url), signal));
    for (const [name, value] of Object.entries({ 'accept-encoding': 'identity', ...headers }))
      all.set(name, value);
    return sendRequest({
      url,
      method,
      headers: all,
      body,
      signal,
      withinMs: withinMs ?? ANSWER_MS,
      redirect: 'manual',
    });
  }

  async function uploadWhole(target: UploadTarget, body: Body, signal: AbortSignal): Promise<Uploaded> {
    const bytes = await readBody(body, signal);
    const md5 = digestOf(hashBytes('md5', bytes));
    const boundary = `lockstep-${md5}`;
    const json = JSON.stringify(target.metadata);
    const before = `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${json}\r\n`;
    const between = `--${boundary}\r\ncontent-type: application/octet-stream\r\n\r\n`;
    const whole = Buffer.concat([
      Buffer.from(before + between),
      bytes,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]);
    const answer = await send(`${target.url}&uploadType=multipart`, signal, {
      method: target.method,
      headers: { 'content-type': `multipart/related; boundary=${boundary}` },
      body: whole,
      withinMs: PIECE_MS,
    });
    return { resource: await resourceOf(answer), md5 };
  }

  async function uploadPieces(target: UploadTarget, body: Body, signal: AbortSignal): Promise<Uploaded> {
    const started = await send(`${target.url}&uploadType=resumable`, signal, {
      method: target.method,
      headers: {
        'content-type': 'application/json; charset=UTF-8',
        'x-upload-content-type': 'application/octet-stream',
        'x-upload-content-length': String(body.size),
      },
      body: JSON.stringify(target.metadata),
    });
    const session = started.headers.get('location');
    if (!started.ok || session === null) throw await refusalOf(started);
    await started.body?.cancel();
    const running = createRunningHash('md5');
    const stream = body.open();
    const pieces = fillParts(stream as AsyncIterable<Uint8Array>);
    let start = 0;

    /** Sends the next piece; gives what the server made of all, once that was the last one. */
    const next = async (buffer: Buffer<ArrayBuffer>): Promise<Uploaded['resource'] | undefined> => {
      const piece = buffer.subarray(0, await pieces.fill(buffer));
      if (piece.length === 0)
        throw transferChanged(body.file ?? 'the body', `it has fewer than ${body.size} bytes`);
      running.update(piece);
      const resource = await sendPiece({ session, signal, piece, start, total: body.size });
      start += piece.length;
      return resource;
    };
    try {
      while (start < body.size) {
        const buffer = await room.take(PIECE_BYTES, signal);
        try {
          const resource = await next(buffer);
          if (resource) return { resource, md5: digestOf(running.end()) };
        } finally {
          room.give(buffer);
        }
      }
    } finally {
      stream.destroy();
    }
    throw uploadGivenUp(config);
  }

  interface Piece {
    readonly session: string;
    readonly signal: AbortSignal;
    readonly piece: Uint8Array<ArrayBuffer>;
    /** Offset of the piece in the whole. */
    readonly start: number;
    readonly total: number;
  }

  /** Sends one piece until the server has all of it; gives the finished resource for the last one. */
  async function sendPiece({
    session,
    signal,
    piece,
    start,
    total,
  }: Piece): Promise<Uploaded['resource'] | undefined> {
    let from = start;
    let isUnsure = false;

    /** One answer to bytes, or without them to the question what is stored; a refusal is thrown. */
    async function put(range: string, body?: Uint8Array<ArrayBuffer>): Promise<Response> {
      const headers = { 'content-range': `bytes ${range}/${total}` };
      const answer = await send(session, signal, { method: 'PUT', headers, body, withinMs: PIECE_MS });
      if (answer.status !== 308 && !answer.ok && !GONE.includes(answer.status)) throw await refusalOf(answer);
      return answer;
    }

    /** One try: gives an answer only when more is stored than before, or when the session is over. */
    async function advance(): Promise<Response> {
      if (isUnsure) {
        const answer = await put('*');
        if (answer.status !== 308 || storedBytes(answer) !== from) return answer;
        await answer.body?.cancel();
      }
      isUnsure = true;
      const answer = await put(`${from}-${start + piece.length - 1}`, piece.subarray(from - start));
      if (answer.status !== 308 || storedBytes(answer) !== from) return answer;
      await answer.body?.cancel();
      throw uploadGivenUp(config);
    }

    while (from < start + piece.length) {
      const answer = await tryAgain(signal, () => withFaults(signal, faultOf, advance));
      if (answer.ok) return resourceOf(answer);
      await answer.body?.cancel();
      // A session that forgets what it had is none to build on.
      if (GONE.includes(answer.status) || storedBytes(answer) < from) throw uploadGivenUp(config);
      from = storedBytes(answer);
      isUnsure = false;
    }
    return undefined;
  }

  return {
    download: (url, signal, from = 0) =>
      withFaults(signal, faultOf, async () => {
        const range = rangeFrom(from);
        const answer = await send(url, signal, {
          method: 'GET',
          ...(range !== undefined && { headers: { range } }),
        });
        if (!answer.ok) throw await refusalOf(answer);
        return answerSource(answer, { from, signal, faultOf });
      }),
    upload: (target, body, signal) =>
      withFaults(signal, faultOf, () =>
        body.size > PIECE_BYTES
          ? uploadPieces(target, body, signal)
          : // Its bytes are there a second time in the text of the request.
            room.use(2 * body.size, signal, () => uploadWhole(target, body, signal)),
      ),
  };
}

/** How many bytes a session holds, from the `Range` of its answer; without one, none. */
function storedBytes(answer: Response): number {
  const last = /^bytes=0-(\d+)$/.exec(answer.headers.get('range') ?? '')?.[1];
  return last === undefined ? 0 : Number(last) + 1;
}

async function resourceOf(answer: Response): Promise<Uploaded['resource']> {
  if (!answer.ok) throw await refusalOf(answer);
  return (await answer.json()) as Uploaded['resource'];
}

/** An answer that is no success, as an error in the shape of Google's own clients. */
async function refusalOf(answer: Response): Promise<Error> {
  const data = answer.bodyUsed ? '' : await answer.text();
  const error = new Error(answer.statusText);
  return Object.assign(error, { response: { status: answer.status, headers: answer.headers, data } });
}
