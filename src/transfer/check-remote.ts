import { PipelineError, toProblem } from '../base/error.ts';
import type { Remote, RemoteConfig } from '../base/remote.ts';
import { limitTime } from '../io/clock.ts';
import type { Clock } from '../io/clock.ts';
import { orStopped } from '../remotes/or-stopped.ts';
import { createRemoteProbe } from './remote-probe.ts';
import type { CheckStep, Wrong } from './remote-probe.ts';

/** How one step went. */
export interface StepResult {
  readonly step: CheckStep;
  /** `warn`: the remote can be used all the same. */
  readonly status: 'ok' | 'warn' | 'fail';
  readonly message: string;
  /** What can be done now; absent where nothing need be. */
  readonly cure?: string;
  readonly durationMs: number;
}

export interface CheckRemoteOptions {
  readonly config: RemoteConfig;
  /** Opens the remote, passes it on, and closes it when the call ends. */
  readonly open: (act: (remote: Remote) => Promise<void>, signal: AbortSignal) => Promise<void>;
  /** Hears each step when it has ended. */
  readonly tell: (result: StepResult) => void;
  readonly clock: Clock;
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

/** With these no other step can go better. */
const HOPELESS: readonly string[] = [
  'remote.unreachable',
  'remote.credentials',
  'remote.not-found',
  'remote.clock',
  'remote.quota',
  'remote.proxy',
];

/**
 * Tries a remote with one object of its own under `check/`, which is removed again: opens it, writes, finds, reads,
 * lists and removes, and compares the clocks, all within `limitMs`. Of a remote that can only be read what reading
 * needs is tried. A failure that concerns all steps ends the check. True when no step failed.
 */
export async function checkRemote(options: CheckRemoteOptions): Promise<boolean> {
  const { clock, limitMs, signal } = options;
  // What hangs holds the places that removing needs.
  const limit = limitTime(clock, limitMs);
  const both = AbortSignal.any([signal, limit.signal]);
  const done = Promise.withResolvers<void>();
  let isGood = true;
  let isOver = false;
  let whole: Promise<void> = Promise.resolve();

  async function run(step: CheckStep, act: () => Promise<string | Wrong>): Promise<boolean> {
    if (isOver) return false;
    const startedMs = clock.now();
    let found: Wrong | string;
    try {
      found = await orStopped(act(), both);
    } catch (error) {
      signal.throwIfAborted();
      if (limit.signal.aborted) {
        isOver = true;
        found = { wrong: `no answer within ${limitMs / 1000} s`, cure: SLOW };
      } else if (error instanceof PipelineError) {
        isOver = HOPELESS.includes(error.code);
        const { message, hint = 'see "lockstep remote list"' } = toProblem(error);
        found = { wrong: message, cure: hint };
      } else throw error;
    }
    const isFine = typeof found === 'string' || found.isHarmless === true;
    isGood &&= isFine;
    options.tell({
      step,
      ...(typeof found === 'string'
        ? { status: 'ok', message: found }
        : { status: isFine ? 'warn' : 'fail', message: found.wrong, cure: found.cure }),
      durationMs: clock.now() - startedMs,
    });
    return isFine;
  }

  try {
    let remote: Remote | undefined;
    await run('open', async () => {
      const opened = Promise.withResolvers<Remote>();
      whole = options.open((one) => (opened.resolve(one), done.promise), both);
      whole.catch((error: unknown) => opened.reject(error));
      remote = await opened.promise;
      return 'its options and credentials are understood';
    });
    if (remote && !isOver) {
      const probe = createRemoteProbe(remote, { config: options.config, clock, signal: both });
      try {
        const isPut = await run('put', probe.put);
        await run('head', probe.head);
        await run('get', probe.get);
        await run('list', probe.list);
        // Where nothing could be put, nothing is there to remove.
        if (isPut && remote.limits.readOnly !== true) await run('remove', probe.remove);
      } finally {
        await probe.tidy();
      }
      await run('clock', probe.clock);
    }
  } finally {
    limit[Symbol.dispose]();
    done.resolve();
  }
  // What does not answer may not close either.
  if (!limit.signal.aborted) await whole.catch(() => undefined);
  return isGood;
}

const SLOW = 'check the network, the url or endpoint, and any proxy in between';
