import type { PipelineError } from '../base/error.ts';
import type { Fingerprint, RelPath, Stage, StageLock } from '../base/types.ts';
import type { Facts } from '../plan/plan.ts';

/** An attempt whose process has ended well. */
export interface Ran {
  readonly peakMemory?: number;
  /** Takes what was made into the cache. Throws a `PipelineError`; then the old outs stand as they were. */
  harvest(): Promise<Harvested>;
}

/** A successful attempt: its outs are safe in the cache, nothing has moved yet. */
export interface Harvested {
  readonly result: StageLock;
  /** Puts the outs in place and records the result. */
  commit(): Promise<void>;
  /** Puts the old outs back instead, and keeps what was made for looking at; gives the error back, which says where. */
  discard(why: PipelineError): unknown;
}

export interface AttemptRequest {
  readonly stage: Stage;
  readonly fingerprint: Fingerprint;
  readonly signal: AbortSignal;
}

/** Everything the run loop does to the world: its one seam. Tests pass one that is backed by maps. */
export interface World {
  readonly facts: Facts;
  /** Looks at paths again, so that `facts` say what is on disk now. */
  look(paths: readonly RelPath[]): Promise<void>;
  /** Runs a stage once. Throws a `PipelineError`; then the old outs stand as they were. */
  attempt(request: AttemptRequest): Promise<Ran>;
  /** Makes the outs of a recorded result out of the cache and records it. */
  restore(stage: Stage, result: StageLock): Promise<void>;
  /** Judges changed gates on the locked metrics and records them. Throws `gate.failed`. */
  judgeGates(stage: Stage, result: StageLock): void;
  /** A failure of the machine in words for people; `undefined` for what is none. */
  explain(error: unknown): PipelineError | undefined;
  /** The same error without values of secrets: of such may be the name of a file that a stage made. */
  discreet(error: PipelineError): PipelineError;
  /** Milliseconds from some instant on, for durations. */
  elapsedMs(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** In [0, 1): the jitter of retries. */
  random(): number;
}
