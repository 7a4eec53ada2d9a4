import { setTimeout as delay } from 'node:timers/promises';

/** The only source of time; tests hand in their own. */
export interface Clock {
  /** Epoch ms. */
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's clock, or one that is fixed at an instant (`--now`, tests) and still sleeps for real. */
export function createClock(fixedMs?: number): Clock {
  return {
    now: () => fixedMs ?? Date.now(),
    sleep: (ms, signal) => delay(ms, undefined, signal ? { signal } : {}),
  };
}
