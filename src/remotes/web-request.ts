import { orStopped } from './or-stopped.ts';

/** A request by the platform's own `fetch`. */
export interface WebRequest {
  readonly url: string;
  readonly method: string;
  readonly headers?: Headers | Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer> | string | undefined;
  readonly signal: AbortSignal;
  /** The answer has to begin so long after the last of the body was taken; its own body may take longer. */
  readonly withinMs: number;
  /** `manual` gives a redirect as the answer that it is. */
  readonly redirect?: 'follow' | 'manual';
}

/** Sends a request; rejects with the signal's reason, with a `TimeoutError`, or with what the network said. */
export function sendRequest({
  url,
  signal,
  withinMs,
  body,
  headers,
  ...rest
}: WebRequest): Promise<Response> {
  const all = new Headers(headers);
  const isMuch = typeof body === 'object' && body.length > COPIED_BYTES;
  if (isMuch) all.set('content-length', String(body.length));
  return within(signal, withinMs, (both, renew) =>
    fetch(url, {
      ...rest,
      signal: both,
      headers: all,
      ...(body !== undefined && { body: isMuch ? streamOf(body, renew) : body }),
      // The only value there is, and needed with a stream.
      ...(isMuch && { duplex: 'half' }),
    }),
  );
}

/** Up to this size the copy that `fetch` makes of bytes costs less than a stream. */
const COPIED_BYTES = 256 * 1024;
const CHUNK_BYTES = 64 * 1024;

/** The same bytes, not copied; `taken` hears of each piece that is asked for. */
export function* chunksOf<Bytes extends Uint8Array>(
  bytes: Bytes,
  taken: () => void,
): Generator<Uint8Array<Bytes['buffer']>, void, undefined> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    taken();
    yield bytes.subarray(at, at + CHUNK_BYTES);
  }
}

function streamOf(
  bytes: Uint8Array<ArrayBuffer>,
  taken: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const chunks = chunksOf(bytes, taken);
  return new ReadableStream({
    pull(controller) {
      const { value } = chunks.next();
      if (value) controller.enqueue(value);
      else controller.close();
    },
  });
}

/**
 * Calls with a signal that also ends when the call takes too long, counted from the last `renew`: a slow line is no silent
 * server. It then rejects with a `TimeoutError`. Once the call has resolved only the caller's own signal counts, so that a
 * stream it gave may take longer. A call that does not heed signals goes on unheard.
 */
export async function within<T>(
  signal: AbortSignal,
  ms: number,
  call: (signal: AbortSignal, renew: () => void) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const slow = new AbortController();
  const giveUp = (): void => slow.abort(new DOMException(`no answer within ${ms / 1000} s`, 'TimeoutError'));
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const renew = (): void => {
    clearTimeout(timer);
    if (!isOver) timer = setTimeout(giveUp, ms);
  };
  renew();
  const both = AbortSignal.any([signal, slow.signal]);
  try {
    return await orStopped(call(both, renew), both);
  } catch (error) {
    signal.throwIfAborted();
    if (slow.signal.aborted) throw slow.signal.reason;
    throw error;
  } finally {
    isOver = true;
    clearTimeout(timer);
  }
}
