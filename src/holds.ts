import { EXIT, PipelineError } from './base/error.ts';
import type { Emit } from './base/event.ts';
import { makeStateDir } from './ground.ts';
import type { Clock } from './io/clock.ts';
import { statIfExists } from './io/files.ts';
import type { MutexMode } from './io/mutex.ts';
import { isUnheldSince, markMutex, pathOfMutex } from './io/mutex-mark.ts';
import type { MutexMark } from './io/mutex-mark.ts';

export interface HoldsOptions {
  readonly stateDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** The clock that dates files. */
  readonly machine: Clock;
  /** What we say we are doing, for those who wait for us. */
  readonly command: string;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  /** How long to wait for another lockstep (ms). */
  readonly waitMs: number;
  /** True while something that was recorded is not on the disk. */
  readonly isPending: () => boolean;
  /** What the workspace's mutex looked like before the disk was first looked at, where it was. */
  readonly looked: MutexMark | undefined;
}

/** The mutexes of a project that are ours. What is given back while something is pending stays ours until `release`. */
export interface Holds {
  /** Notes that the disk is about to be looked at. */
  noteLook(): void;
  /** `onMoved` is called before the workspace is ours when somebody else held it since the first look. */
  takeWorkspace(onMoved: () => void): Promise<Disposable>;
  /** Throws `mutex.lost` when the file that was taken for it is gone, and another one is there, which somebody else has taken. */
  requireWorkspace(): void;
  takeCache(mode: MutexMode): Promise<Disposable>;
  release(): void;
}

export function createHolds(options: HoldsOptions): Holds {
  const { stateDir, env, machine, emit, isPending } = options;
  const workspace = pathOfMutex(stateDir, 'workspace');
  const unreleased: Disposable[] = [];
  let { looked } = options;
  /** The inode of the workspace's mutex that is ours, or was. */
  let taken: number | undefined;

  async function take(
    name: 'workspace' | 'cache',
    mode: MutexMode,
    onHeld?: () => void,
  ): Promise<Disposable> {
    const { acquireMutex } = await import('./io/mutex.ts');
    const { MARK } = await import('./io/process.ts');
    makeStateDir(stateDir);
    const mutex = await acquireMutex({
      ...options,
      path: pathOfMutex(stateDir, name),
      mode,
      inside: env[MARK],
      ...(onHeld && { onHeld }),
      onWait: (holder) =>
        emit({
          type: 'mutex-waited',
          mutex: name,
          holder: holder?.command ?? 'another process',
          since: holder?.since ?? '',
        }),
    });
    return {
      [Symbol.dispose]() {
        // Whoever comes next would read a lock without what we recorded, and gc would take its objects for garbage.
        if (isPending()) unreleased.push(mutex);
        else mutex[Symbol.dispose]();
      },
    };
  }

  return {
    noteLook() {
      looked ??= markMutex(workspace, machine);
    },
    takeWorkspace: (onMoved) =>
      take('workspace', 'exclusive', () => {
        taken = statIfExists(workspace)?.ino;
        if (looked && !isUnheldSince(workspace, looked)) onMoved();
      }),
    requireWorkspace() {
      const here = statIfExists(workspace)?.ino;
      if (taken !== undefined && here !== undefined && here !== taken) throw workspaceLost();
    },
    takeCache: (mode) => take('cache', mode),
    release() {
      for (const mutex of unreleased.splice(0)) mutex[Symbol.dispose]();
    },
  };
}

function workspaceLost(): PipelineError {
  return new PipelineError(
    'mutex.lost',
    '.lockstep was removed while this ran, and another lockstep may have been at work since: pipeline.lock is left to that one',
    {
      exit: EXIT.busy,
      hint: 'run "lockstep repro" when no other is at work, and remove .lockstep only then',
    },
  );
}
