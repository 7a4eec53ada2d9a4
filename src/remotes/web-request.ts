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
  const init = { ...rest, ...(headers && { headers }), ...(body !== undefined && { body }) };
  return within(signal, withinMs, (both) => fetch(url, { ...init, signal: both }));
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
