import type { ChildProcess } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isSystemError } from '../base/error.ts';
import type { Clock } from './clock.ts';

/** How a process ended; the same shape for every ending. */
export interface Ending {
  readonly exitCode?: number;
  readonly signal?: string;
  /** It could not be started at all. */
  readonly startError?: Error;
  /** Highest resident memory seen (bytes), where the system tells. */
  readonly peakMemory?: number;
}

export interface SpawnOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: string) => void;
  /** Opens an IPC channel; messages of the child come here. */
  readonly onMessage?: (message: unknown) => void;
}

/** A process that leads its own group, so that the whole tree can be ended. */
export interface Group {
  readonly pid: number | undefined;
  readonly ended: Promise<Ending>;
  send(message: Record<string, unknown>): void;
  /** SIGTERM to the group, and SIGKILL after the grace time; resolves when the leader is gone. */
  stop(graceMs: number, clock: Clock): Promise<void>;
}

const SAMPLE_MS = 250;
/** Once the leader is gone, its output has this long to arrive before whoever still holds the pipe is cut off. */
const DRAIN_MS = 1000;
const DEATH_POLL_MS = 5;
/** Who has not died of SIGKILL after five seconds hangs in the kernel. */
const DEATH_TRIES = 1000;
/** Marks every process of an attempt, also those that leave its group. */
export const MARK = 'LOCKSTEP_ATTEMPT';

/** Starts a process group. The library that starts it is loaded with the first one. */
export async function spawnGroup(options: SpawnOptions): Promise<Group> {
  const { execa } = await import('execa');
  const started = execa(options.command, options.args, {
    cwd: options.cwd,
    env: options.env,
    extendEnv: false,
    stdin: 'ignore',
    buffer: false,
    reject: false,
    detached: true,
    cleanup: false,
    ipc: options.onMessage !== undefined,
  });
  const child: ChildProcess = started.nodeChildProcess;
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (chunk: string) => options.onOutput(stream, chunk));
  }
  if (options.onMessage) child.on('message', options.onMessage);
  const { pid } = child;
  // A runner that ends at once (a second Ctrl-C, a bug) leaves nothing running.
  const onExit = (): void => void (pid !== undefined && signalGroup(pid, 'SIGKILL'));
  process.setMaxListeners(0).on('exit', onExit);
  const ended =
    pid === undefined
      ? started.then(({ cause }) => ({
          startError: cause instanceof Error ? cause : new Error('cannot start'),
        }))
      : follow(child, pid, options.env[MARK]);
  void ended.finally(() => process.off('exit', onExit));
  return {
    pid,
    ended,
    send: (message) => void child.send(message),
    async stop(graceMs, clock) {
      if (pid === undefined) return;
      signalGroup(pid, 'SIGTERM');
      const gone = new AbortController();
      const grace = clock.sleep(graceMs, gone.signal).catch(() => undefined);
      await Promise.race([ended, grace]);
      gone.abort();
      signalGroup(pid, 'SIGKILL');
      await ended;
    },
  };
}

/** Resolves when the leader is gone, nothing that it started is left and its output has been read. */
async function follow(child: ChildProcess, pid: number, mark: string | undefined): Promise<Ending> {
  let peak = peakMemoryOf(pid);
  const sampler = setInterval(() => (peak = Math.max(peak, peakMemoryOf(pid))), SAMPLE_MS);
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const [exitCode, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.once('exit', (code, by) => resolve([code, by]));
  });
  clearInterval(sampler);
  // What a stage leaves running in the background could write to outs that are being committed.
  signalGroup(pid, 'SIGKILL');
  if (mark !== undefined) await endMarked(mark, pid);
  const drain = setTimeout(() => {
    child.stdout?.destroy();
    child.stderr?.destroy();
  }, DRAIN_MS);
  await closed;
  clearTimeout(drain);
  return {
    ...(exitCode !== null && { exitCode }),
    ...(signal !== null && { signal }),
    ...(peak > 0 && { peakMemory: peak }),
  };
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
  return readdirSync('/proc').some((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1');
      const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return group === String(pgid) && state !== 'Z' && state !== 'X';
    } catch {
      return false;
    }
  });
}

/**
 * Kills every process of an attempt that its mark finds; what they start meanwhile carries the mark too. Pids grow (but
 * for the rare wrap), so `since`, the leader's, spares a look at all that was there before.
 */
export async function endMarked(value: string, since = 0): Promise<void> {
  for (let tries = 0; tries < DEATH_TRIES; tries++) {
    const found = processesWithMark(value, since);
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

/** Peak resident bytes of a living process, from Linux's own count; 0 elsewhere. */
function peakMemoryOf(pid: number): number {
  if (process.platform !== 'linux') return 0;
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Pids of the living processes of an attempt (Linux; none elsewhere): also those that left its group. */
export function processesWithMark(value: string, since = 0): readonly number[] {
  if (process.platform !== 'linux') return [];
  const mark = `${MARK}=${value}`;
  const found: number[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid || Number(entry) < since) continue;
    try {
      if (readFileSync(`/proc/${entry}/environ`, 'utf8').split('\0').includes(mark))
        found.push(Number(entry));
    } catch {
      // It ended meanwhile, or belongs to someone else.
    }
  }
  return found;
}
