import { Readable } from 'node:stream';
import type { Body, SourceStream } from '../base/remote.ts';
import { COPY_BYTES } from '../io/copy-small.ts';
import { derivedStream } from './derived-stream.ts';
import { readWholeFile } from './local-file.ts';

/** So long nothing may come of an answer's bytes before its server is taken for gone. */
const SILENT_MS = 60_000;

/**
 * The bytes of an answer, whose errors are the remote's own; `signal` ends it with its reason. Where the network has gone away
 * without a word, no system tells of it.
 */
export function webStream(
  stream: Readable,
  { signal, faultOf }: { readonly signal: AbortSignal; readonly faultOf: (error: unknown) => unknown },
): Readable {
  async function* pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    const stop = (): void =>
      void stream.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    const giveUp = (): void =>
      void stream.destroy(new DOMException(`nothing came for ${SILENT_MS / 1000} s`, 'TimeoutError'));
    signal.addEventListener('abort', stop, { once: true });
    const chunks = (stream as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    try {
      signal.throwIfAborted();
      for (;;) {
        // Not while whoever reads has other things to do.
        const timer = setTimeout(giveUp, SILENT_MS);
        const next = await chunks.next().finally(() => clearTimeout(timer));
        if (next.done === true) return;
        yield next.value;
      }
    } catch (error) {
      signal.throwIfAborted();
      throw faultOf(error);
    } finally {
      signal.removeEventListener('abort', stop);
      stream.destroy();
    }
  }
  return derivedStream(stream, pieces());
}

/** The header `Range` that leaves out what comes before a byte; `undefined` when nothing does. */
export function rangeFrom(from: number): string | undefined {
  return from === 0 ? undefined : `bytes=${from}-`;
}

/** The bytes of an answer to a request with the `Range` of `from`, which a server need not heed. */
export function answerSource(
  answer: Response,
  { from, ...options }: Parameters<typeof webStream>[1] & { readonly from: number },
): SourceStream {
  const stream =
    answer.body === null
      ? Readable.from([], { objectMode: false })
      : webStream(Readable.fromWeb(answer.body), options);
  const type = answer.headers.get('content-type') ?? undefined;
  return { stream, type, ...(answer.status === 206 && { from }) };
}

/** All bytes of a small body; throws `transfer.changed` when they come from a file and are not what they should be. */
export async function readBody(body: Body, signal: AbortSignal): Promise<Buffer> {
  const { file, hash, size } = body;
  // A stream of a small file would be three turns of the thread pool and a chain of promises.
  if (file !== undefined && hash !== undefined && size <= COPY_BYTES)
    return readWholeFile(file, { hash, size });
  const chunks = (await body.open().toArray()) as Uint8Array[];
  signal.throwIfAborted();
  return Buffer.concat(chunks);
}

/** A key in a URL's path: every part percent-encoded, the slashes kept. */
export function encodeKey(key: string): string {
  return key.split('/').map(encodePart).join('/');
}

/** `.` and `..` cannot stand in a URL's path even when encoded; keys never hold them. */
function encodePart(part: string): string {
  return encodeURIComponent(part).replaceAll(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
