import { createRunningHash, digestOf, hashBytes } from '../base/hash.ts';
import type { Body, SourceStream } from '../base/remote.ts';
import { transferChanged } from './verify.ts';
import { sendRequest } from './web-request.ts';
import { answerSource, rangeFrom, readBody } from './web-stream.ts';

/** Up to this size bytes go up with their metadata in one request; above it in pieces of this size. */
const PIECE_BYTES = 8 * 1024 * 1024;
/** A piece that is cut goes on where the server says it stopped, so often without any progress. */
const CUTS = 4;
const ANSWER_MS = 60_000;
/** A piece has to be stored by then: 8 MiB at 28 KiB/s. */
const PIECE_MS = 300_000;

export interface MediaOptions {
  /** What identifies us, for a url. */
  readonly headersFor: (url: string) => Promise<Headers>;
  readonly faultOf: (error: unknown) => unknown;
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
 * Uploads as `multipart` when small and as a `resumable` session otherwise; a session that is cut is asked how far it
 * came and goes on from there. Errors are thrown as `faultOf` makes them. Protocol:
 * https://cloud.google.com/storage/docs/performing-resumable-uploads
 */
export function createMedia({ headersFor, faultOf }: MediaOptions): Media {
  interface Sending {
    readonly method: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: Uint8Array<ArrayBuffer> | string;
    readonly withinMs?: number;
  }

  async function send(
    url: string,
    signal: AbortSignal,
    { method, headers, body, withinMs }: Sending,
  ): Promise<Response> {
    signal.throwIfAborted();
    const all = new Headers(await headersFor(url));
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

  async function guard<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      signal.throwIfAborted();
      throw faultOf(error);
    }
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
    let start = 0;
    for await (const piece of piecesOf(body)) {
      running.update(piece);
      const resource = await sendPiece({ session, signal, piece, start, total: body.size });
      start += piece.length;
      if (resource) return { resource, md5: digestOf(running.end()) };
    }
    throw transferChanged(body.file ?? 'the body', `it has fewer than ${body.size} bytes`);
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
    const end = start + piece.length;
    let from = start;
    let ask = false;
    for (let cuts = 0; ;) {
      let answer: Response | undefined;
      try {
        const range = ask ? `bytes */${total}` : `bytes ${from}-${end - 1}/${total}`;
        const bytes = ask ? undefined : piece.subarray(from - start);
        const request = { method: 'PUT', headers: { 'content-range': range }, withinMs: PIECE_MS };
        answer = await send(session, signal, bytes ? { ...request, body: bytes } : request);
      } catch (error) {
        signal.throwIfAborted();
        if (++cuts > CUTS) throw error;
      }
      if (answer?.status === 308) {
        await answer.body?.cancel();
        const stored = storedBytes(answer);
        if (stored >= end) return undefined;
        if (stored < start) throw await refusalOf(answer);
        if (stored > from) cuts = 0;
        else if (!ask && ++cuts > CUTS) throw await refusalOf(answer);
        from = stored;
        ask = false;
        continue;
      }
      if (answer?.ok) return resourceOf(answer);
      if (answer) {
        const passes = answer.status >= 500 || answer.status === 408;
        if (!passes || ++cuts > CUTS) throw await refusalOf(answer);
        await answer.body?.cancel();
      }
      ask = true;
    }
  }

  return {
    download: (url, signal, from = 0) =>
      guard(signal, async () => {
        const range = rangeFrom(from);
        const answer = await send(url, signal, {
          method: 'GET',
          ...(range !== undefined && { headers: { range } }),
        });
        if (!answer.ok) throw await refusalOf(answer);
        return answerSource(answer, { from, signal, faultOf });
      }),
    upload: (target, body, signal) =>
      guard(signal, () => (body.size <= PIECE_BYTES ? uploadWhole : uploadPieces)(target, body, signal)),
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

async function* piecesOf(body: Body): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body.open() as AsyncIterable<Uint8Array>) {
    let rest = chunk;
    while (size + rest.length >= PIECE_BYTES) {
      parts.push(rest.subarray(0, PIECE_BYTES - size));
      rest = rest.subarray(PIECE_BYTES - size);
      yield Buffer.concat(parts);
      parts = [];
      size = 0;
    }
    if (rest.length > 0) parts.push(rest);
    size += rest.length;
  }
  if (size > 0) yield Buffer.concat(parts);
}
