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
export async function sendRequest({
  url,
  signal,
  withinMs,
  body,
  headers,
  ...rest
}: WebRequest): Promise<Response> {
  const slow = new AbortController();
  const timer = setTimeout(() => slow.abort(new DOMException('no answer', 'TimeoutError')), withinMs);
  try {
    const init = { ...rest, ...(headers && { headers }), ...(body !== undefined && { body }) };
    return await fetch(url, { ...init, signal: AbortSignal.any([signal, slow.signal]) });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
