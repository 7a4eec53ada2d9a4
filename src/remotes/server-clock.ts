import type { RemoteConfig } from '../base/remote.ts';
import { serverAddress } from './server-address.ts';
import { sendRequest } from './web-request.ts';

const ANSWER_MS = 5000;
/** The `Date` header counts whole seconds. */
const STEP_MS = 1000;

/**
 * By how many ms the clock of a remote's server is ahead of this machine's (negative: behind), told by the `Date` header
 * of an answer to a request without credentials; 0 while both may agree. `undefined` for a folder, for a server that
 * tells no time, and for one that cannot be reached.
 */
export async function measureServerClock(
  config: RemoteConfig,
  { now, signal }: { readonly now: () => number; readonly signal: AbortSignal },
): Promise<number | undefined> {
  const url = serverAddress(config);
  if (url === undefined || !URL.canParse(url)) return undefined;
  const fromMs = now();
  let answer: Response;
  try {
    answer = await sendRequest({ url, method: 'HEAD', redirect: 'manual', signal, withinMs: ANSWER_MS });
  } catch {
    signal.throwIfAborted();
    // That it cannot be reached is found, and told better, by whoever wants objects of it.
    return undefined;
  }
  const toMs = now();
  await answer.body?.cancel();
  const serverMs = Date.parse(answer.headers.get('date') ?? '');
  if (Number.isNaN(serverMs)) return undefined;
  return clockAhead({ serverMs, stepMs: STEP_MS, fromMs, toMs });
}

/** A clock that was read some time between `fromMs` and `toMs` and then showed `serverMs`, or up to a step more. */
export interface ClockReading {
  readonly serverMs: number;
  readonly stepMs: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** The least by which a clock that was read is ahead (negative: behind), in ms. */
export function clockAhead({ serverMs, stepMs, fromMs, toMs }: ClockReading): number {
  if (serverMs > toMs) return serverMs - toMs;
  const latestMs = serverMs + stepMs;
  return latestMs < fromMs ? latestMs - fromMs : 0;
}
