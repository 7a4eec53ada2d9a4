import { PipelineError } from '../../base/error.ts';
import { fromSystemError } from '../../io/system-error.ts';

/** One thing that was looked at. */
export interface Check {
  /** What was looked at, one word. */
  readonly check: string;
  /** `warn`: it works, but not as well or not for long. `fail`: something does not work. */
  readonly status: 'ok' | 'warn' | 'fail';
  readonly message: string;
  /** What can be done now; absent where nothing need be. */
  readonly cure?: string;
}

/**
 * A check that failed with an error for people: its first sentence, its hint, and how many more problems there are. Throws what
 * is none: a fault of our own.
 */
export function failedCheck(check: string, error: unknown, cure?: string): Check {
  const known = error instanceof PipelineError ? error : fromSystemError(error);
  if (!known) throw error;
  const [{ message, hint }, ...rest] = known.problems;
  const more = rest.length > 0 ? ` (and ${rest.length} more)` : '';
  const what = cure ?? hint;
  return { check, status: 'fail', message: `${message}${more}`, ...(what !== undefined && { cure: what }) };
}
