import type { Schedule } from '../../src/listeners/schedule.ts';

export interface FakeTime {
  readonly now: () => number;
  readonly schedule: Schedule;
  /** Lets time pass and what is due happen, in order. */
  readonly pass: (ms: number) => void;
  /** Timers that are still set. */
  readonly pending: () => number;
}

export function createFakeTime(startMs = 1_773_727_200_000): FakeTime {
  let now = startMs;
  let timers: { readonly at: number; readonly callback: () => void }[] = [];
  return {
    now: () => now,
    schedule(ms, callback) {
      const timer = { at: now + ms, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    pass(ms) {
      const end = now + ms;
      for (;;) {
        const [next] = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (!next) break;
        timers = timers.filter((other) => other !== next);
        now = next.at;
        next.callback();
      }
      now = end;
    },
    pending: () => timers.length,
  };
}
