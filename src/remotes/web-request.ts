import { orStopped } from './or-stopped.ts';

/** A request by the platform's own `fetch`. */
export interface WebRequest {
  readonly url: string;
  readonly method: string;
  readonly headers?: Headers | Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer> | string | undefined;
  readonly signal: AbortSignal;
  /** The answer has to begin by then; its body may take longer. */
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
  const init: RequestInit = {
    ...rest,
    headers: all,
    ...(body !== undefined && { body: isMuch ? streamOf(body) : body }),
    // The only value there is, and needed with a stream.
    ...(isMuch && { duplex: 'half' }),
  };
  return within(signal, withinMs, (both) => fetch(url, { ...init, signal: both }));
}

/** Up to this size the copy that `fetch` makes of bytes costs less than a stream. */
const COPIED_BYTES = 256 * 1024;
const CHUNK_BYTES = 64 * 1024;

/** The same bytes, not copied. */
function streamOf(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.subarray(at, (at += CHUNK_BYTES)));
      else controller.close();
    },
  });
}

/**
 * Calls with a signal that also ends when the call takes too long, which then rejects with a `TimeoutError`. Once the
 * call has resolved only the caller's own signal counts, so that a stream it gave may take longer. A call that does
 * not heed signals goes on unheard.
 */
export async function within<T>(
  signal: AbortSignal,
  ms: number,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const slow = new AbortController();
  const timer = setTimeout(() => {
    slow.abort(new DOMException(`no answer within ${ms / 1000} s`, 'TimeoutError'));
  }, ms);
  const both = AbortSignal.any([signal, slow.signal]);
  try {
    return await orStopped(call(both), both);
  } catch (error) {
    signal.throwIfAborted();
    if (slow.signal.aborted) throw slow.signal.reason;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
