import type { Json } from './base/types.ts';

/** What a stage module is given. Paths are absolute; nothing else of the project is needed to compute. */
export interface StageContext {
  /** Name (or, for a plain list, path) of each dep → where to read it. */
  readonly deps: Readonly<Record<string, string>>;
  /**
   * Name (or, for a plain list, path) of each out → where to write it: inside a fresh staging folder that becomes
   * the out only when the stage succeeds. An out declared with a trailing `/` exists already as an empty folder.
   */
  readonly outs: Readonly<Record<string, string>>;
  /** The selected parameters, nested as in their files: `params: [fetch.period]` gives `{ fetch: { period } }`. */
  readonly params: Readonly<Record<string, Json>>;
  /** The variables named under `env:` and `secrets:` that are set. */
  readonly env: Readonly<Record<string, string>>;
  /** The stage's tick when it has a `refresh:`; otherwise 1970-01-01T00:00:00Z, so that no clock enters an out. */
  readonly now: Date;
  /** Aborted on timeout and Ctrl-C. */
  readonly signal: AbortSignal;
  /** Tells the user something while the stage runs. */
  readonly log: (message: string) => void;
  /** Reports how far the stage is. */
  readonly progress: (state: StageProgress) => void;
}

export interface StageProgress {
  readonly done: number;
  readonly total?: number;
  readonly label?: string;
}

export type StageFunction = (context: StageContext) => void | Promise<void>;

/**
 * Marks a function as a stage; a module's default export.
 *
 * @example
 * export default defineStage(async ({ deps, outs }) => {
 *   await copyFile(deps.raw!, outs.copy!);
 * });
 */
export function defineStage(stage: StageFunction): StageFunction {
  return stage;
}

export type { Json };
