/** Calls back once after `ms` and returns what takes the call back; tests hand in their own. */
export type Schedule = (ms: number, callback: () => void) => () => void;

/** The machine's timer. It keeps no process alive: a listener is closed before its command ends. */
export function createSchedule(): Schedule {
  return (ms, callback) => {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return () => clearTimeout(timer);
  };
}
