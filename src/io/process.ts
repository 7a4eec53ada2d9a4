import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isSystemError } from '../base/error.ts';
import type { Clock } from './clock.ts';
import { readNames } from './files.ts';
import type { Group } from './process-group.ts';
import { livingStat } from './process-id.ts';

const DEATH_POLL_MS = 5;
/** Who has not died of SIGKILL after five seconds hangs in the kernel. */
const DEATH_TRIES = 1000;
const FEW_PIDS = 16;
/** Marks every process of an attempt, also those that leave its group. A runner inside of a stage adds its own: `outer/inner`. */
export const MARK = 'LOCKSTEP_ATTEMPT';
/** Marks the launcher of a runner, by the runner's `<pid>-<start>`. */
export const RUNNER = 'LOCKSTEP_RUNNER';

/** SIGTERM to the group, and SIGKILL after the grace time; resolves when it has ended. */
export async function stopGroup(
  group: Pick<Group, 'signal' | 'ended'>,
  graceMs: number,
  clock: Clock,
): Promise<void> {
  group.signal('SIGTERM');
  const gone = new AbortController();
  const grace = clock.sleep(graceMs, gone.signal).catch(() => undefined);
  await Promise.race([group.ended, grace]);
  gone.abort();
  group.signal('SIGKILL');
  await group.ended;
}

/** Sends a signal to every process of a group; false when the group has none. */
export function signalGroup(pgid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pgid, signal);
    return true;
  } catch (error) {
    if (isSystemError(error, 'ESRCH')) return false;
    // macOS answers EPERM for a group whose only members are zombies.
    if (isSystemError(error, 'EPERM')) return process.platform !== 'darwin';
    throw error;
  }
}

/** True while a group has a living process; one that has only to be reaped does not live. */
export function isGroupAlive(pgid: number): boolean {
  if (!signalGroup(pgid, 0)) return false;
  if (process.platform !== 'linux') return true;
  return pidsSince(0).some((pid) => livingStat(pid)?.[2] === String(pgid));
}

/** Kills a group, and waits until nothing of it lives any more. */
export async function endGroup(pgid: number): Promise<void> {
  for (let tries = 0; tries < DEATH_TRIES; tries++) {
    signalGroup(pgid, 'SIGKILL');
    if (!isGroupAlive(pgid)) return;
    await delay(DEATH_POLL_MS);
  }
}

/**
 * Kills every process of an attempt that its mark finds; what they start meanwhile carries the mark too. Pids grow (but
 * for the rare wrap), so `since`, the leader's, spares a look at all that was there before.
 */
export async function endMarked(value: string, since = 0, name: string = MARK): Promise<void> {
  for (let tries = 0; tries < DEATH_TRIES; tries++) {
    const found = processesWithMark(value, since, name);
    if (found.length === 0) return;
    for (const pid of found) signalProcess(pid, 'SIGKILL');
    // A killed process may still be on its way out of a write.
    await delay(DEATH_POLL_MS);
  }
}

/** Sends a signal to one process; nothing happens when it has ended. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!isSystemError(error, 'ESRCH', 'EPERM')) throw error;
  }
}

/** Pids of the living processes of an attempt (Linux; none elsewhere): also those that left its group. */
export function processesWithMark(value: string, since = 0, name: string = MARK): readonly number[] {
  if (process.platform !== 'linux') return [];
  const own = value.slice(value.lastIndexOf('/') + 1);
  return pidsSince(since).filter((pid) => {
    if (pid === process.pid) return false;
    try {
      const environ = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      const marks = environ.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
      return marks?.split('/').includes(own) === true;
    } catch {
      // It ended meanwhile, or belongs to someone else.
      return false;
    }
  });
}

/** The pids that were given since, or more of them; a few are cheaper to try than all of `/proc` is to list. */
function pidsSince(since: number): readonly number[] {
  const last = lastPid();
  if (since > 0 && last >= since && last - since < FEW_PIDS)
    return Array.from({ length: last - since + 1 }, (_, index) => since + index);
  // A chroot may have none.
  return readNames('/proc').flatMap((entry) => {
    const pid = /^\d+$/.test(entry) ? Number(entry) : 0;
    return pid > 0 && pid >= since ? [pid] : [];
  });
}

/** The pid that was given last where this process lives; 0 where the kernel does not tell. */
function lastPid(): number {
  try {
    return Number(readFileSync('/proc/sys/kernel/ns_last_pid', 'latin1'));
  } catch {
    return 0;
  }
}
