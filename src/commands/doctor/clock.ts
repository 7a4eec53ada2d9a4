import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSystemError } from '../../base/error.ts';
import { formatDuration } from '../../base/text.ts';
import { createClock } from '../../io/clock.ts';
import { statIfExists, tempName } from '../../io/files.ts';
import { isBehindTick } from '../../execute/ticks.ts';
import { CALENDARS, clockFrom } from '../../ground.ts';
import type { Check } from './check.ts';
import type { ProjectFiles } from './files.ts';

export interface ClockOptions extends ProjectFiles {
  readonly env: Readonly<Record<string, string | undefined>>;
}

const SET = 'set the clock of this machine ("timedatectl set-ntp true" lets it follow the network)';
const FIRST_YEAR = 2025;
const LAST_YEAR = 2100;
/** Stamps of network file systems come from their server; less than this is how they round. */
const FAR_MS = 2000;

/** The machine's clock: whether it can be right, how the disk stamps files, and whether it is behind what is recorded. */
export async function* checkClock(root: string, options: ClockOptions): AsyncGenerator<Check> {
  const machineMs = createClock().now();
  yield judgeYear(machineMs);
  const ahead = measureStamp(join(root, '.lockstep'), machineMs);
  if (ahead !== undefined) yield judgeStamps(ahead);
  const nowMs = clockFrom(options.env).now();
  if (Math.abs(nowMs - machineMs) > FAR_MS)
    yield {
      check: 'now',
      status: 'warn',
      message: `LOCKSTEP_NOW is set: refreshes are as of ${new Date(nowMs).toISOString()}`,
      cure: 'run "unset LOCKSTEP_NOW" to have them as of now',
    };
  yield await judgeTicks(options, nowMs);
}

function judgeYear(nowMs: number): Check {
  const year = new Date(nowMs).getUTCFullYear();
  const message = new Date(nowMs).toISOString();
  return year >= FIRST_YEAR && year <= LAST_YEAR
    ? { check: 'clock', status: 'ok', message }
    : { check: 'clock', status: 'fail', message: `${message}, which cannot be right`, cure: SET };
}

/** `aheadMs`: by how much the stamp of a new file is ahead of the clock. */
export function judgeStamps(aheadMs: number): Check {
  if (Math.abs(aheadMs) <= FAR_MS)
    return { check: 'stamps', status: 'ok', message: "files are stamped with this machine's time" };
  const side = aheadMs > 0 ? 'after' : 'before';
  return {
    check: 'stamps',
    status: 'warn',
    message: `files written here are stamped ${formatDuration(Math.abs(aheadMs))} ${side} this machine's time`,
    cure: 'let this machine and the file server follow one clock; until then trust "lockstep verify --read-data" only',
  };
}

async function judgeTicks({ pipeline, lock }: ProjectFiles, nowMs: number): Promise<Check> {
  for (const stage of pipeline?.stages ?? []) {
    const tick = lock?.stages.get(stage.name)?.fingerprint.tick;
    if (tick === undefined || !(await isBehindTick(stage, tick, { nowMs, calendars: CALENDARS }))) continue;
    return {
      check: 'ticks',
      status: 'warn',
      message: `the clock is behind the recorded tick of stage "${stage.name}" (${tick}), which stands until it is not`,
      cure: SET,
    };
  }
  return { check: 'ticks', status: 'ok', message: 'the clock is not behind what is recorded' };
}

/** By how much (ms) the file system's stamp of a new file is ahead of the clock. */
function measureStamp(folder: string, nowMs: number): number | undefined {
  if (!statIfExists(folder)) return undefined;
  const path = tempName(join(folder, 'probe'));
  try {
    writeFileSync(path, '', { flag: 'wx' });
    return statSync(path).mtimeMs - nowMs;
  } catch (error) {
    // That nothing can be written here is told by the check of the disk.
    if (isSystemError(error)) return undefined;
    throw error;
  } finally {
    rmSync(path, { force: true });
  }
}
