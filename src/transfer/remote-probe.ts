import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { PipelineError } from '../base/error.ts';
import type { Remote, RemoteConfig, Source } from '../base/remote.ts';
import { formatBytes, formatDuration } from '../base/text.ts';
import { limitTime } from '../io/clock.ts';
import type { Clock } from '../io/clock.ts';
import { orStopped } from '../remotes/or-stopped.ts';
import { readWhole } from './read-source.ts';

/** What is tried, in this order. */
export type CheckStep = 'open' | 'put' | 'head' | 'get' | 'list' | 'remove' | 'clock';

/** What a step found wrong that is no error of the remote. */
export interface Wrong {
  readonly wrong: string;
  readonly cure: string;
  /** The remote can be used all the same. */
  readonly isHarmless?: true;
}

const SIZE = 64 * 1024;
/** So long an object of the check may take to go after the time is up. */
const TIDY_MS = 2000;
/** Services refuse signed requests that are 5 (Google) or 15 minutes (Amazon, Azure) off. */
const FAR_MS = 5 * 60_000;
/** The steps against one remote; each says how it went, or throws the remote's error. */
export interface RemoteProbe extends Record<Exclude<CheckStep, 'open'>, () => Promise<string | Wrong>> {
  /** Removes what an ended check has left there. */
  tidy(): Promise<void>;
}

export interface RemoteProbeOptions {
  readonly config: RemoteConfig;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Makes the steps of a check, which share one object of random bytes under `check/`. Call them in their order. */
export function createRemoteProbe(
  remote: Remote,
  { config, clock, signal }: RemoteProbeOptions,
): RemoteProbe {
  const key = `check/${randomBytes(16).toString('hex')}`;
  const bytes = randomBytes(SIZE);
  const size = formatBytes(SIZE);
  /** The object may be there from its `put` on, also after one that failed. */
  let mayBeThere = false;
  let isThere = false;
  let fromMs = 0;
  let stamp: { readonly serverMs: number; readonly toMs: number } | undefined;

  async function removeObject(within: AbortSignal): Promise<void> {
    await remote.remove(key, within);
    await remote.flush?.(within);
    mayBeThere = false;
  }

  return {
    async put() {
      if (remote.limits.readOnly === true)
        return 'this remote can only be read; push to the one that it gives out';
      fromMs = clock.now();
      mayBeThere = true;
      const body = { size: SIZE, open: () => Readable.from([bytes]) };
      await remote.put(key, body, signal);
      await remote.flush?.(signal);
      isThere = true;
      return `${size} are written`;
    },
    async head() {
      const found = await remote.head(key, signal);
      if (found?.size === (isThere ? SIZE : undefined))
        return isThere ? 'the object is found, in its size' : 'objects may be asked for';
      if (found && !mayBeThere)
        return {
          wrong: `it says that it has "${key}", which nobody wrote`,
          cure: 'correct the url: what answers there answers every address alike, as a login page does',
        };
      return {
        wrong: found
          ? `the object has ${found.size} bytes, not ${SIZE}`
          : 'the object that was written is not found',
        cure: CHANGED,
      };
    },
    async get() {
      let source: Source;
      try {
        source = await remote.get(key, signal);
      } catch (error) {
        if (isThere || !(error instanceof PipelineError) || error.code !== 'remote.object-missing')
          throw error;
        return 'objects may be read';
      }
      if ('file' in source) stamp = { serverMs: statSync(source.file).mtimeMs, toMs: clock.now() };
      if (bytes.equals(await readWhole(source, signal, SIZE))) return `the same ${size} come back`;
      return { wrong: 'other bytes come back than were written', cure: CHANGED };
    },
    async list() {
      if (remote.limits.listless === true) return 'it cannot be listed: objects are asked for one by one';
      let isListed = false;
      for await (const entry of remote.list('check/', signal)) isListed ||= entry.key === key;
      if (isListed || !isThere) return isThere ? 'the object is listed' : 'it may be listed';
      return { wrong: 'the object that was written is not listed', cure: CHANGED };
    },
    async remove() {
      try {
        await removeObject(signal);
      } catch (error) {
        if (!(error instanceof PipelineError) || error.code !== 'remote.denied') throw error;
        // What is denied now is denied again.
        mayBeThere = false;
        return {
          wrong: `this account may not remove objects, which no push or pull needs; "${key}" stays there`,
          cure: 'remove what is below "check/" by other means now and then, or give the right to delete',
          isHarmless: true,
        };
      }
      if ((await remote.head(key, signal)) === undefined) return 'the object is gone';
      return {
        wrong: `"${key}" is still there after it was removed`,
        cure: 'give this account the right to delete, then remove that object',
      };
    },
    async clock() {
      const { clockAhead, measureServerClock } = await import('../remotes/server-clock.ts');
      const aheadMs = stamp
        ? clockAhead({ ...stamp, stepMs: FILE_STEP_MS, fromMs })
        : await measureServerClock(config, { now: () => clock.now(), signal });
      return judgeClock(aheadMs);
    },
    async tidy() {
      if (!mayBeThere) return;
      using limit = limitTime(clock, TIDY_MS);
      try {
        await orStopped(removeObject(limit.signal), limit.signal);
      } catch {
        // The check is over, and has told why.
      }
    },
  };
}

/** File systems of old count two seconds. */
const FILE_STEP_MS = 2000;
const CHANGED =
  'look for what changes objects there: a rule that expires them, a cache or proxy in between, a full disk';

function judgeClock(aheadMs: number | undefined): string | Wrong {
  if (aheadMs === undefined) return 'the server tells no time to compare with';
  const isFar = Math.abs(aheadMs) > FAR_MS;
  if (Math.abs(aheadMs) < 1000) return "this machine's clock agrees with the server's";
  const text = `this machine's clock is ${formatDuration(Math.abs(aheadMs))} ${aheadMs > 0 ? 'behind' : 'ahead of'} the server's`;
  if (!isFar) return text;
  return {
    wrong: text,
    cure: 'set the clock of this machine right ("timedatectl set-ntp true"): servers refuse such requests',
  };
}
