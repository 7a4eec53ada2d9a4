import type { Retry } from '../base/types.ts';

/** How long to wait after the n-th failed attempt: exponential, with half of it jitter so that herds disperse. */
export function retryDelayMs(retry: Retry, attempt: number, random: number): number {
  return Math.round(retry.delayMs * retry.factor ** (attempt - 1) * (0.5 + random / 2));
}
