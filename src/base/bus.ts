import { EVENT_VERSION } from './event.ts';
import type { Emit, Event, Listener } from './event.ts';

/** Stamps what happened and tells it to all who listen, in the order in which it happened. */
export interface Bus {
  readonly emit: Emit;
  /**
   * Lets one more hear what follows, until what it gives back is called. Who listens first (the history of a run) also hears what
   * was told since nobody did: warnings of a project that was opened for this run, say.
   */
  listen(listener: Listener): () => void;
  close(): Promise<void>;
}

/** More is not kept for who is still to listen. */
const MOST_EARLY = 1000;

/** `shown` hears of everything, and of each event last: that the end of a run cannot be written down is told before the end. */
export function createBus(shown: Listener, now: () => number): Bus {
  const late: Listener[] = [];
  const early: Event[] = [];
  return {
    emit(body) {
      const event: Event = { v: EVENT_VERSION, at: now(), ...body };
      if (late.length === 0 && early.length < MOST_EARLY) early.push(event);
      // What was told of a run that nobody wrote down is of no other one.
      if (event.type === 'run-finished') early.length = 0;
      for (const listener of late) listener.on(event);
      shown.on(event);
    },
    listen(listener) {
      for (const event of early.splice(0)) listener.on(event);
      late.push(listener);
      return () => void late.splice(late.indexOf(listener), 1);
    },
    async close() {
      for (const listener of [...late, shown]) await listener.close?.();
    },
  };
}
