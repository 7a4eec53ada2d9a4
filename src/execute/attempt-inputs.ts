import { createRedactor } from '../base/redact.ts';
import type { Redactor } from '../base/redact.ts';
import type { Out, Stage } from '../base/types.ts';
import type { Launcher } from '../io/launcher.ts';
import type { Leader } from '../io/process-group.ts';
import type { OpenProject } from './open-project.ts';
import type { Staging } from './staging.ts';

/** What a stage process needs besides its stage. */
export interface AttemptInputs extends Pick<OpenProject, 'root' | 'env' | 'clock' | 'emit'> {
  readonly stage: Stage;
  readonly staging: Staging<Out>;
  /** The stage's tick. */
  readonly nowMs: number;
  readonly code: readonly string[];
  /** Absolute path → text without types, for files that the process need not read and strip once more. */
  readonly scripts: ReadonlyMap<string, string>;
  readonly packageFolders: readonly string[];
  readonly own: OwnPackage;
  /** Node's `--conditions`, when the runner itself runs from source. */
  readonly conditions: readonly string[];
  readonly signal: AbortSignal;
  readonly redactor: Redactor;
  readonly launcher: Launcher;
  /** Told as soon as there is a process. */
  readonly onStart: (leader: Leader) => void;
}

/** An attempt that has begun. */
export interface Attempt extends AttemptInputs {
  /** Aborted when the stage's `timeout:` is over; `undefined` where it has none. */
  readonly timeUp: AbortSignal | undefined;
}

/** Files of our own package that a stage process loads. */
export interface OwnPackage {
  readonly root: string;
  /** The process's entry and the stage API, below `root`. */
  readonly child: string;
  readonly api: string;
}

/**
 * Masks the values of secrets. One for all stages: a command inherits also what it does not name, and reads what others
 * wrote.
 */
export function redactorOf(
  stages: Iterable<Pick<Stage, 'secrets'>>,
  env: Readonly<Record<string, string | undefined>>,
): Redactor {
  const names = new Set([...stages].flatMap(({ secrets }) => secrets));
  return createRedactor([...names].flatMap((name) => env[name] ?? []));
}
