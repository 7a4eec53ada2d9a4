import { PipelineError } from '../base/error.ts';
import { parseObjectPath } from '../base/hash.ts';
import type { Remote, RemoteEntry, Source } from '../base/remote.ts';
import type { Clock } from '../io/clock.ts';
import { derivedStream } from './derived-stream.ts';

/** One wait before another try, as told to whoever shows progress. */
export interface RetryNotice {
  /** How long nothing came before it failed. */
  readonly waitedMs: number;
  readonly delayMs: number;
  readonly error: PipelineError;
}

export interface RetryOptions {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
  /** Shared by all that ask one server. */
  readonly quiet?: Quiet;
}

/** Until when (epoch ms) a server wants to be left alone. */
export interface Quiet {
  untilMs: number;
}

/** Tries in all. A server that only asks to slow down is asked more often: two minutes or so in all. */
const ATTEMPTS = 5;
const QUOTA_ATTEMPTS = 12;
const BASE_MS = 500;
const CAP_MS = 30_000;
/** A server that wants us to wait longer than this is left alone: the user decides. */
const LONGEST_WAIT_MS = 300_000;

/**
 * Calls again what failed with an error that says `retryable`, after a wait of `random × min(30 s, 0.5 s × 2ⁿ)` (full
 * jitter) and never sooner than the server asked for. Other errors, and the last one, pass unchanged.
 */
export async function withRetry<T>(
  options: RetryOptions & { readonly signal: AbortSignal },
  call: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    options.signal.throwIfAborted();
    const sinceMs = options.clock.now();
    try {
      return await call();
    } catch (error) {
      await waitForNext(error, { attempt, sinceMs }, options);
    }
  }
}

/** Waits until it is time for another try; throws the error when there is to be none. */
async function waitForNext(
  error: unknown,
  { attempt, sinceMs }: { readonly attempt: number; readonly sinceMs: number },
  { quiet, clock, random, signal, onRetry }: RetryOptions & { readonly signal: AbortSignal },
): Promise<void> {
  signal.throwIfAborted();
  if (!(error instanceof PipelineError) || !error.retryable) throw error;
  const isQuota = error.code === 'remote.quota';
  const asked = error.retryAfterMs ?? 0;
  if (attempt >= (isQuota ? QUOTA_ATTEMPTS : ATTEMPTS) || asked > LONGEST_WAIT_MS) throw error;
  const delayMs = Math.round(asked + random() * Math.min(CAP_MS, BASE_MS * 2 ** (attempt - 1)));
  const nowMs = clock.now();
  if (quiet && isQuota) quiet.untilMs = Math.max(quiet.untilMs, nowMs + delayMs);
  onRetry?.({ waitedMs: nowMs - sinceMs, delayMs, error });
  await clock.sleep(delayMs, signal);
}

/**
 * A remote whose operations are tried again when the remote says that it may help. A retried `put` opens its body
 * anew; a retried `list` begins again and yields no key twice. A `flush` is never tried again: the system may have dropped
 * bytes that it could not flush, and then calls them flushed. When the server asks one operation to slow down, those
 * that have not begun wait too. An object whose stream breaks off goes on behind the bytes that were already handed out:
 * only the rest is asked for, and the tries count anew whenever some of it came. Under other keys the bytes may have
 * changed meanwhile, so there the receiver is told.
 */
export function retry(remote: Remote, options: RetryOptions): Remote {
  const quiet = options.quiet ?? { untilMs: 0 };
  const shared = { ...options, quiet };
  const waitWhileQuiet = async (signal: AbortSignal): Promise<void> => {
    const quietMs = quiet.untilMs - options.clock.now();
    if (quietMs > 0) await options.clock.sleep(quietMs, signal);
  };
  const run = async <T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> => {
    await waitWhileQuiet(signal);
    return withRetry({ ...shared, signal }, call);
  };
  return {
    ...remote,
    head: (key, signal) => run(signal, () => remote.head(key, signal)),
    async get(key, signal) {
      const open = (from?: number): Promise<Source> => run(signal, () => remote.get(key, signal, from));
      const source = await open();
      if ('file' in source || parseObjectPath(key) === undefined) return source;
      return {
        ...(source.type !== undefined && { type: source.type }),
        stream: derivedStream(source.stream, resumed(key, source, open, { ...shared, signal })),
      };
    },
    put: (key, body, signal) => run(signal, () => remote.put(key, body, signal)),
    remove: (key, signal) => run(signal, () => remote.remove(key, signal)),
    async *list(prefix, signal) {
      await waitWhileQuiet(signal);
      yield* listWithRetry(remote, prefix, { ...shared, signal });
    },
  };
}

async function* listWithRetry(
  remote: Remote,
  prefix: string,
  options: RetryOptions & { readonly signal: AbortSignal },
): AsyncGenerator<RemoteEntry, void, undefined> {
  const seen = new Set<string>();
  let attempt = 1;
  for (;;) {
    options.signal.throwIfAborted();
    let sinceMs = options.clock.now();
    try {
      for await (const entry of remote.list(prefix, options.signal)) {
        if (seen.has(entry.key)) continue;
        seen.add(entry.key);
        // Progress was made: what fails from here on is a new fault.
        attempt = 1;
        yield entry;
        sinceMs = options.clock.now();
      }
      return;
    } catch (error) {
      await waitForNext(error, { attempt, sinceMs }, options);
      attempt++;
    }
  }
}

/** The bytes of an object, through a few streams when they break off. */
async function* resumed(
  key: string,
  first: Source,
  open: (from: number) => Promise<Source>,
  options: RetryOptions & { readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array, void, undefined> {
  let source = first;
  let handedOut = 0;
  for (let attempt = 1; ; attempt++) {
    const before = handedOut;
    let sinceMs = options.clock.now();
    try {
      if ('file' in source) throw new TypeError(`the remote gave a stream and then a file for "${key}"`);
      let skip = handedOut - (source.from ?? 0);
      for await (const chunk of source.stream as AsyncIterable<Uint8Array>) {
        const rest = chunk.subarray(Math.min(skip, chunk.length));
        skip -= chunk.length - rest.length;
        handedOut += rest.length;
        if (rest.length > 0) yield rest;
        sinceMs = options.clock.now();
      }
      return;
    } catch (error) {
      // Progress was made: this is a new fault.
      if (handedOut > before) attempt = 1;
      await waitForNext(error, { attempt, sinceMs }, options);
    }
    // With the last byte that came: a server refuses a range that begins at the end.
    source = await open(Math.max(0, handedOut - 1));
  }
}
