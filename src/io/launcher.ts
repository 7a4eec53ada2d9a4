import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Ending, Group, Heard, Leader, ToStart } from './process-group.ts';
import { MARK, endGroup, endMarked } from './process.ts';

/** What the runner asks of the launcher's process. */
export type Request =
  | { readonly type: 'start'; readonly id: number; readonly what: ToStart }
  | { readonly type: 'signal'; readonly id: number; readonly signal: NodeJS.Signals };

/** What it answers. */
export type Report =
  | { readonly type: 'started'; readonly id: number; readonly leader: Leader }
  | {
      readonly type: 'output';
      readonly id: number;
      readonly stream: 'stdout' | 'stderr';
      readonly chunk: string;
    }
  | { readonly type: 'message'; readonly id: number; readonly message: unknown }
  | { readonly type: 'ended'; readonly id: number; readonly ending: Ending };

/**
 * Starts stage processes from a small process of its own. A fork copies the page tables of who forks: from the runner,
 * with its heap, it costs several times what the stage's shell does, and nothing else moves meanwhile. And when the
 * runner dies, however it dies, the launcher is there to end what it started.
 */
export interface Launcher {
  /** Starts the launcher's own process, ahead of the first `start`. */
  warmUp(): void;
  /** Starts a process group; `onStarted` comes before anything else that is heard, unless it cannot be started. */
  start(what: ToStart, heard: Heard & { readonly onStarted: (leader: Leader) => void }): Group;
  /** Ends the launcher and whatever it runs. */
  close(): void;
}

export interface LauncherOptions {
  /** The file that the launcher's process runs. */
  readonly entry: string;
  readonly env: Readonly<Record<string, string>>;
}

interface Running {
  readonly heard: Parameters<Launcher['start']>[1];
  readonly mark: string | undefined;
  leader?: Leader;
  readonly end: (ending: Ending) => void;
}

/** Its forks copy little while its heap is small and its threads, each with a stack, are few. */
const FLAGS = ['--max-semi-space-size=1', '--v8-pool-size=1', '--disable-warning=ExperimentalWarning'];

export function createLauncher({ entry, env }: LauncherOptions): Launcher {
  const groups = new Map<number, Running>();
  let child: ChildProcess | undefined;
  let count = 0;

  function connect(): ChildProcess {
    const connected = spawn(process.execPath, [...FLAGS, entry], {
      // Ctrl-C in a terminal is the runner's to hear.
      detached: true,
      cwd: '/',
      env,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      // Params may hold integers beyond a double.
      serialization: 'advanced',
    });
    connected.on('message', (report: Report) => take(report));
    connected.once('error', (error: NodeJS.ErrnoException) => void lose(connected, error.code));
    connected.once('disconnect', () => void lose(connected));
    connected.unref();
    connected.channel?.unref();
    return connected;
  }

  function take(report: Report): void {
    const running = groups.get(report.id);
    if (!running) return;
    switch (report.type) {
      case 'started':
        running.leader = report.leader;
        return running.heard.onStarted(report.leader);
      case 'output':
        return void running.heard.onOutput(report.stream, report.chunk);
      case 'message':
        return running.heard.onMessage(report.message);
      case 'ended':
        return forget(report.id, running, report.ending);
      default:
        return report satisfies never;
    }
  }

  function forget(id: number, running: Running, ending: Ending): void {
    groups.delete(id);
    if (groups.size === 0) child?.channel?.unref();
    running.end(ending);
  }

  /** Without the launcher nobody would hear how its processes end. */
  async function lose(lost: ChildProcess, why?: string): Promise<void> {
    if (lost !== child) return;
    child = undefined;
    const left = [...groups];
    for (const [id, running] of left) {
      if (running.leader) await endGroup(running.leader.pid);
      if (running.mark !== undefined) await endMarked(running.mark);
      forget(
        id,
        running,
        running.leader ? { signal: 'SIGKILL' } : { startError: why ?? 'the launcher ended' },
      );
    }
  }

  function ask(request: Request): void {
    // One that has gone away meanwhile is told of by its own event.
    if (child?.connected === true) child.send(request, () => undefined);
  }

  return {
    warmUp: () => void (child ??= connect()),
    start(what, heard) {
      child ??= connect();
      child.channel?.ref();
      const id = count++;
      const ended = new Promise<Ending>((end) => {
        groups.set(id, { heard, mark: what.env[MARK], end });
      });
      ask({ type: 'start', id, what });
      return {
        ended,
        signal(signal) {
          const running = groups.get(id);
          // What has not even begun when its grace is over never will: where processes are few, Node may hang at its start.
          if (signal === 'SIGKILL' && running && !running.leader) child?.kill(signal);
          else ask({ type: 'signal', id, signal });
        },
      };
    },
    close() {
      const closing = child;
      child = undefined;
      if (closing?.connected === true) closing.disconnect();
    },
  };
}
