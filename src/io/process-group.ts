import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { processStart } from './process-id.ts';
import { MARK, endMarked, signalGroup } from './process.ts';

/** How a process ended; the same shape for every ending. */
export interface Ending {
  readonly exitCode?: number;
  readonly signal?: string;
  /** It could not be started at all: the system's code (`ENOENT`), or a sentence. */
  readonly startError?: string;
  /** Highest resident memory seen (bytes), where the system tells. */
  readonly peakMemory?: number;
}

/** A process to start. */
export interface ToStart {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Sent to it first thing, over a channel by which it may answer; without it there is none. */
  readonly message?: unknown;
}

/** What a process tells its starter while it runs. */
export interface Heard {
  /** A promise holds the stream until it settles. */
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: string) => Promise<void> | undefined;
  readonly onMessage: (message: unknown) => void;
}

/** The leader of a process group; with `start` its pid names one process for ever. */
export interface Leader {
  readonly pid: number;
  readonly start: string;
}

/** A process that leads its own group, so that the whole tree can be ended. */
export interface Group {
  /** Resolves when nothing that it started is left and its output has been read. */
  readonly ended: Promise<Ending>;
  /** Sends a signal to all of the group; nothing happens once it has ended. */
  signal(signal: NodeJS.Signals): void;
}

/** A process that does not live long is looked at soon, one that does seldom. */
const FIRST_SAMPLE_MS = 10;
const SAMPLE_MS = 250;
/** Once the leader is gone, its output has this long to arrive before whoever still holds the pipe is cut off. */
const DRAIN_MS = 1000;

/** Starts a process group. Never throws: what cannot be started has no leader and ends at once. */
export function spawnGroup(what: ToStart, heard: Heard): Group & { readonly leader: Leader | undefined } {
  let child: ChildProcess;
  try {
    child = fork(what);
  } catch (error) {
    // More arguments than the system takes, say.
    return unstarted(Promise.resolve({ startError: reasonOf(error) }));
  }
  const failed = new Promise<Ending>((resolve) => {
    child.on('error', (error) => resolve({ startError: reasonOf(error) }));
  });
  const { pid } = child;
  if (pid === undefined) return unstarted(failed);
  for (const name of ['stdout', 'stderr'] as const) if (child[name]) listen(child[name], name, heard);
  if (what.message !== undefined) {
    child.on('message', heard.onMessage);
    // Node keeps it for whoever listens there; one that has gone away meanwhile is told of by its ending.
    child.send(what.message as Record<string, unknown>, () => undefined);
  }
  let isOver = false;
  const ended = follow(child, pid, what.env[MARK]).finally(() => (isOver = true));
  return {
    leader: { pid, start: processStart(pid) ?? '' },
    ended,
    signal: (signal) => void (isOver || signalGroup(pid, signal)),
  };
}

/** The process leads its own group; what it is given and says is not kept. */
function fork({ command, args, cwd, env, message }: ToStart): ChildProcess {
  return spawn(command, args, {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', ...(message === undefined ? [] : (['ipc'] as const))],
    // Params may hold integers beyond a double.
    serialization: 'advanced',
  });
}

function listen(stream: Readable, name: 'stdout' | 'stderr', { onOutput }: Heard): void {
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    const held = onOutput(name, chunk);
    if (!held) return;
    stream.pause();
    void held.then(() => stream.resume());
  });
}

function unstarted(ended: Promise<Ending>): Group & { readonly leader: undefined } {
  return { leader: undefined, ended, signal: () => undefined };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'cannot start';
  return (error as NodeJS.ErrnoException).code ?? error.message;
}

/** Resolves when the leader is gone, nothing that it started is left and its output has been read. */
async function follow(child: ChildProcess, pid: number, mark: string | undefined): Promise<Ending> {
  let peak = 0;
  let pause = FIRST_SAMPLE_MS;
  const sample = (): void => {
    peak = Math.max(peak, peakMemoryOf(pid));
    pause = Math.min(2 * pause, SAMPLE_MS);
    sampler = setTimeout(sample, pause);
  };
  let sampler = setTimeout(sample, pause);
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const [exitCode, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.once('exit', (code, by) => resolve([code, by]));
  });
  clearTimeout(sampler);
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

/** Peak resident bytes of a living process, from Linux's own count; 0 elsewhere. */
function peakMemoryOf(pid: number): number {
  if (process.platform !== 'linux') return 0;
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
