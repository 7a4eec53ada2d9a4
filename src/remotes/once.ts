import { orStopped } from './or-stopped.ts';

interface Asked<T> {
  readonly answer: Promise<T>;
  /** What stops whoever asks. */
  readonly by: AbortSignal;
}

/**
 * What holds for a whole command is asked once: who asks meanwhile waits for the same answer, until its own signal says
 * otherwise. A failure is forgotten, so that the next one asks again.
 */
export function askOnce<T>(ask: (signal: AbortSignal) => Promise<T>): (signal: AbortSignal) => Promise<T> {
  let asked: Asked<T> | undefined;
  return async function once(signal) {
    const current = (asked ??= { answer: ask(signal), by: signal });
    try {
      return await orStopped(current.answer, signal);
    } catch (error) {
      const hasFailed = !signal.aborted || current.by === signal;
      if (hasFailed && asked === current) asked = undefined;
      signal.throwIfAborted();
      // Whoever asked was stopped, for a reason of its own.
      if (current.by.aborted) return once(signal);
      throw error;
    }
  };
}
