import { EVENT_VERSION } from './event.ts';
import type { Emit, Event, Listener } from './event.ts';

/** Stamps what happened and tells every listener, in order. */
export function createBus(listeners: readonly Listener[], now: () => number): Emit {
  return (body) => {
    const event: Event = { v: EVENT_VERSION, at: now(), ...body };
    for (const listener of listeners) listener.on(event);
  };
}
