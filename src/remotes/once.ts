/**
 * What holds for a whole command is asked once: who asks meanwhile waits for the same answer, and a failure is forgotten, so
 * that the next one asks again.
 */
export function askOnce(ask: (signal: AbortSignal) => Promise<void>): (signal: AbortSignal) => Promise<void> {
  let asked: Promise<void> | undefined;
  return async (signal) => {
    asked ??= ask(signal);
    try {
      await asked;
    } catch (error) {
      asked = undefined;
      throw error;
    }
  };
}
