import { setTimeout as sleepFor } from 'node:timers/promises';
import { MarketError } from './market-error.ts';

/** Waits `ms` and rejects when the signal aborts. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

/**
 * How a request is tried again.
 * `delaysMs` holds one wait per retry; each is spread by ±25 % with `random` (0 ≤ x < 1) so that parallel requests do not return
 * together. A server's own wish replaces the wait up to `maxRetryAfterMs`; a longer wish ends the tries.
 */
export interface RetryPolicy {
  readonly delaysMs: readonly number[];
  readonly maxRetryAfterMs: number;
  readonly sleep: Sleep;
  readonly random: () => number;
}

/** The policy of live requests: two retries, after about 2 s and 4 s, or after what the server asks up to 60 s. */
export function createRetryPolicy(overrides: Partial<RetryPolicy> = {}): RetryPolicy {
  return {
    delaysMs: [2_000, 4_000],
    maxRetryAfterMs: 60_000,
    sleep: async (ms, signal) => {
      await sleepFor(ms, undefined, { signal });
    },
    random: Math.random,
    ...overrides,
  };
}

/**
 * Runs a task until it succeeds, its error is hopeless, or the policy has no wait left; then that error is thrown.
 * Only a `MarketError` with `retryable` is tried again. An aborted signal ends the wait with the signal's reason.
 */
export async function withRetry<T>(
  task: () => Promise<T>,
  policy: RetryPolicy,
  signal: AbortSignal,
): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    signal.throwIfAborted();
    try {
      return await task();
    } catch (error) {
      if (!(error instanceof MarketError) || !error.retryable) throw error;
      const delayMs = policy.delaysMs[tries];
      const wishMs = error.retryAfterMs;
      if (delayMs === undefined || (wishMs !== undefined && wishMs > policy.maxRetryAfterMs)) throw error;
      await policy.sleep(wishMs ?? Math.round(delayMs * (0.75 + 0.5 * policy.random())), signal);
    }
  }
}
