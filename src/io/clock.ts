/** The only source of time; tests hand in their own. */
export interface Clock {
  /** Epoch ms. */
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Whole milliseconds from some instant on, for durations: it goes on evenly where the clock is set or LOCKSTEP_NOW stops it. */
export function elapsedMs(): number {
  return Math.round(performance.now());
}

const LONGEST_MS = 2 ** 31 - 1;

/** Aborts its signal once the time is over, unless it has been disposed of by then. */
export function limitTime(
  clock: Pick<Clock, 'sleep'>,
  ms: number,
): Disposable & { readonly signal: AbortSignal } {
  const limit = new AbortController();
  const off = new AbortController();
  clock.sleep(ms, off.signal).then(
    () => limit.abort(),
    () => undefined,
  );
  return { signal: limit.signal, [Symbol.dispose]: () => off.abort() };
}

/** The machine's clock, or one that is fixed at an instant (`--now`, tests) and still sleeps for real. */
export function createClock(fixedMs?: number): Clock {
  return {
    now: () => fixedMs ?? Date.now(),
    async sleep(ms, signal) {
      const { setTimeout: delay } = process.getBuiltinModule('node:timers/promises');
      // A timer cannot hold more than 2^31 - 1 ms (24.8 days), and fires at once when asked to.
      for (let left = ms; ; left -= LONGEST_MS) {
        await delay(Math.min(left, LONGEST_MS), undefined, signal ? { signal } : {});
        if (left <= LONGEST_MS) return;
      }
    },
  };
}
