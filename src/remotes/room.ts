import { orStopped } from './or-stopped.ts';

/** Bytes of one remote's uploads in memory at one time, however many requests it may have. */
const MOST_BYTES = 96 * 1024 * 1024;

/**
 * Where requests of one remote meet: never more are under way than it may have, and never more bytes of theirs are in memory than
 * 96 MiB. Whoever waits is let in in turn, and stops at once when told to.
 */
export interface Room {
  /** Calls, for one request with so many bytes in memory, when there is room. */
  use<T>(bytes: number, signal: AbortSignal, call: () => Promise<T>): Promise<T>;
  /** The same for a buffer, which counts until it is given back. */
  take(size: number, signal: AbortSignal): Promise<Buffer<ArrayBuffer>>;
  give(buffer: Buffer<ArrayBuffer>): void;
}

interface Waiting {
  readonly bytes: number;
  readonly enter: () => void;
}

export function createRoom(mostRequests: number): Room {
  const waiting: Waiting[] = [];
  /** Buffers that were given back: to make one anew costs as much as to fill it. */
  let spare: Buffer<ArrayBuffer>[] = [];
  let requests = 0;
  let held = 0;

  function letIn(): void {
    for (let next = waiting[0]; next; next = waiting[0]) {
      const fits = requests < mostRequests && held + next.bytes <= MOST_BYTES;
      // A part that is larger than the room has it for itself.
      if (!fits && requests > 0) return;
      waiting.shift();
      requests++;
      held += next.bytes;
      next.enter();
    }
  }

  function leave(bytes: number): void {
    requests--;
    held -= bytes;
    letIn();
  }

  async function enter(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const turn = Promise.withResolvers<void>();
    const own = { bytes, enter: turn.resolve };
    waiting.push(own);
    letIn();
    try {
      await orStopped(turn.promise, signal);
    } catch (error) {
      const at = waiting.indexOf(own);
      if (at < 0) leave(bytes);
      else waiting.splice(at, 1);
      letIn();
      throw error;
    }
  }

  return {
    async use(bytes, signal, call) {
      await enter(bytes, signal);
      dropSpare();
      try {
        return await call();
      } finally {
        leave(bytes);
      }
    },
    async take(size, signal) {
      await enter(size, signal);
      const at = spare.findIndex(({ length }) => length === size);
      const [found] = at < 0 ? [] : spare.splice(at, 1);
      dropSpare();
      return found ?? Buffer.allocUnsafeSlow(size);
    },
    give(buffer) {
      spare.push(buffer);
      leave(buffer.length);
    },
  };

  /** What lies about unused counts as well. */
  function dropSpare(): void {
    const idle = spare.reduce((sum, { length }) => sum + length, 0);
    if (held + idle > MOST_BYTES) spare = [];
  }
}
