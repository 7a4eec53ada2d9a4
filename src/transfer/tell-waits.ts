import { toProblem } from '../base/error.ts';
import type { Emit } from '../base/event.ts';
import { formatDuration } from '../base/text.ts';
import type { Clock } from '../io/clock.ts';
import type { RetryNotice } from '../remotes/retry.ts';

/** Shorter waits are over before anybody wonders. */
const LONG_MS = 5000;

/**
 * Tells of long waits, for an answer that did not come or before another try, once for all that wait at the same time: a still
 * picture looks like a fault.
 */
export function createWaitTeller(emit: Emit, clock: Pick<Clock, 'now'>): (notice: RetryNotice) => void {
  let untilMs = -Infinity;
  return ({ waitedMs, delayMs, error }) => {
    const nowMs = clock.now();
    if (waitedMs + delayMs < LONG_MS || nowMs < untilMs) return;
    untilMs = nowMs + Math.max(delayMs, LONG_MS);
    const { code, message } = toProblem(error);
    emit({
      type: 'warned',
      problem: { code, message: `${message}; the next try is in ${formatDuration(delayMs)}` },
    });
  };
}
