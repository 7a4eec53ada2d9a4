import type { Json } from './base/types.ts';

/** What `params:` of a stage selects, as far as nothing more is said of it. */
export type StageParams = Readonly<Record<string, Json>>;

/** What a stage module is given; `Params`: what its parameters look like. Paths are absolute; nothing else of the project is needed to compute. */
export interface StageContext<Params = StageParams> {
  /** Name (or, for a plain list, path) of each dep → where to read it. */
  readonly deps: Readonly<Record<string, string>>;
  /**
   * Name (or, for a plain list, path) of each out → where to write it: inside a fresh staging folder that becomes
   * the out only when the stage succeeds. An out declared with a trailing `/` exists already as an empty folder.
   */
  readonly outs: Readonly<Record<string, string>>;
  /** The selected parameters, nested as in their files: `params: [fetch.period]` gives `{ fetch: { period } }`. */
  readonly params: Params;
  /** The variables named under `secrets:`, and those named under `env:` that are set. */
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

export type StageFunction<Params = StageParams> = (context: StageContext<Params>) => void | Promise<void>;

/**
 * Marks a function as a stage; a module's default export.
 *
 * @example
 * export default defineStage(async ({ deps, outs }) => {
 *   await copyFile(deps.raw!, outs.copy!);
 * });
 */
export function defineStage<Params = StageParams>(stage: StageFunction<Params>): StageFunction<Params> {
  return stage;
}

export type { Json };
