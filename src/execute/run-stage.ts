import pLimit from 'p-limit';
import { PipelineError, toProblem } from '../base/error.ts';
import type { Outcome } from '../base/event.ts';
import { formatReason } from '../base/reason.ts';
import type { Reason } from '../base/reason.ts';
import type { Fingerprint, Retry, Stage, StageLock, StageName } from '../base/types.ts';
import { isFresh } from '../plan/decide.ts';
import type { Decision } from '../plan/decide.ts';
import type { Judgement } from '../plan/plan.ts';
import { isLost } from './checkout.ts';
import type { OpenProject } from './open-project.ts';
import { createSlots } from './slots.ts';
import type { Slot } from './slots.ts';
import { stageError } from './stage-error.ts';
import type { Ran, World } from './world.ts';

export interface StageRunnerOptions extends Pick<OpenProject, 'emit' | 'signal'> {
  readonly world: World;
  readonly jobs: number;
  readonly pools: Readonly<Record<string, number>>;
  readonly ranks: ReadonlyMap<StageName, number>;
  /** Other stages go on after a failure. */
  readonly keepGoing: boolean;
  /** The rank of the most urgent of those that are to run once this one has; `undefined` when there is none. */
  readonly heirOf: (stage: StageName) => number | undefined;
  /** Judges a stage once more, as things stand now. */
  readonly judgeAgain: (stage: Stage) => Promise<Judgement>;
  /** Looks again at what a stage reads and no stage makes: true when it is not what the stage was planned with. */
  readonly hasMoved: (stage: Stage, fingerprint: Fingerprint) => Promise<boolean>;
}

/** How a stage ended. */
export interface Finished {
  readonly outcome: Outcome;
  readonly reasons: readonly Reason[];
  readonly durationMs?: number;
  readonly peakMemory?: number;
  readonly result?: StageLock;
  readonly error?: unknown;
}

export interface StageRunner {
  /** Does what a judgement says, or where that is outdated another one; never throws for a failing stage. */
  bringUpToDate(planned: Judgement, isOutdated: boolean): Promise<Finished>;
  /** True after a failure: nothing new starts; what runs may finish. */
  isHalted(): boolean;
}

export function createStageRunner(options: StageRunnerOptions): StageRunner {
  const { world, emit, signal } = options;
  let halted = false;
  const slots = createSlots(options.jobs, options.pools);
  /** As many are recorded at a time as may run: those that have ended must not pile up. */
  const recording = pLimit(options.jobs);

  async function bringUpToDate(planned: Judgement, isOutdated: boolean): Promise<Finished> {
    let judgement = planned;
    try {
      if (isOutdated) judgement = await options.judgeAgain(planned.stage);
      return await act(judgement);
    } catch (error) {
      return failed(judgement.stage, error, judgement.decision.reasons);
    }
  }

  /** Throws what is a bug. */
  function failed(stage: Stage, error: unknown, reasons: readonly Reason[], durationMs?: number): Finished {
    const time = durationMs !== undefined && { durationMs };
    if (signal.aborted && isCancel(error, signal)) return { outcome: 'canceled', reasons, ...time };
    if (!(error instanceof PipelineError) && !isExpected(error)) throw error;
    const told = world.discreet(toTold(stage, error, world));
    if (!options.keepGoing) halted = true;
    return { outcome: 'failed', reasons, error: told, ...time };
  }

  async function act({ stage, decision, fingerprint, problems }: Judgement): Promise<Finished> {
    const { reasons } = decision;
    const [problem] = problems;
    if (problem) throw PipelineError.of([problem]);
    switch (decision.verdict) {
      case 'skip': {
        const { result } = decision;
        if (!isFresh(decision)) world.judgeGates(stage, result);
        return { outcome: 'fresh', reasons, result };
      }
      case 'restore':
        return restoreStage(stage, decision);
      case 'blocked':
        throw frozenWithoutOuts(stage, reasons);
      case 'run':
        if (!fingerprint) throw new Error(`stage ${stage.name} has no fingerprint`);
        return runStage(stage, fingerprint, reasons);
      case 'wait':
        throw new Error(`stage ${stage.name} still waits`);
      default:
        return decision satisfies never;
    }
  }

  /** An object found damaged on the way has left the cache: judged again, the stage runs and so heals it. */
  async function restoreStage(
    stage: Stage,
    { result, reasons }: Extract<Decision, { verdict: 'restore' }>,
  ): Promise<Finished> {
    try {
      await world.restore(stage, result);
    } catch (error) {
      if (!isLost(error)) throw error;
      const again = await options.judgeAgain(stage);
      if (again.decision.verdict === 'restore') throw error;
      return act(again);
    }
    return { outcome: 'restored', reasons, result };
  }

  async function runStage(
    stage: Stage,
    fingerprint: Fingerprint,
    reasons: readonly Reason[],
  ): Promise<Finished> {
    const slot = await slots.take(stage, options.ranks.get(stage.name) ?? 0);
    const startedAt = world.elapsedMs();
    try {
      if (signal.aborted || halted) return { outcome: 'canceled', reasons };
      if (await options.hasMoved(stage, fingerprint)) {
        slot.release();
        return await act(await options.judgeAgain(stage));
      }
      const ran = await runWithRetries(stage, fingerprint, reasons);
      const result = await record(stage, ran, slot);
      const durationMs = world.elapsedMs() - startedAt;
      const { peakMemory } = ran;
      return {
        outcome: 'ran',
        reasons,
        durationMs,
        result,
        ...(peakMemory !== undefined && { peakMemory }),
      };
    } catch (error) {
      return failed(stage, error, reasons, world.elapsedMs() - startedAt);
    } finally {
      slot.release();
    }
  }

  /**
   * Its process has ended: while its outs are taken in, another stage runs; but where others wait for them, the slot is
   * kept for the most urgent of these, unless one that is as urgent is ready.
   */
  function record(stage: Stage, ran: Ran, slot: Slot): Promise<StageLock> {
    return recording(async () => {
      slot.release(options.heirOf(stage.name));
      emit({ type: 'stage-committing', stage: stage.name });
      const harvested = await ran.harvest();
      await harvested.commit();
      return harvested.result;
    });
  }

  async function runWithRetries(
    stage: Stage,
    fingerprint: Fingerprint,
    reasons: readonly Reason[],
  ): Promise<Ran> {
    const { attempts } = stage.policy.retry;
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted();
      emit({ type: 'stage-started', stage: stage.name, attempt, reasons });
      try {
        return await world.attempt({ stage, fingerprint, signal });
      } catch (error) {
        if (attempt >= attempts || signal.aborted || !isWorthRetrying(error)) throw error;
        const retryInMs = retryDelayMs(stage.policy.retry, attempt, world.random());
        emit({
          type: 'attempt-failed',
          stage: stage.name,
          attempt,
          attempts,
          problem: toProblem(error),
          retryInMs,
        });
        await world.sleep(retryInMs, signal);
      }
    }
  }

  return { bringUpToDate, isHalted: () => halted };
}

/** What a stage's process did may go better next time; what its outs are will not. */
function isWorthRetrying(error: unknown): boolean {
  return error instanceof PipelineError && error.retryable;
}

/** How long to wait after the n-th failed attempt: exponential, with half of it jitter so that herds disperse. */
export function retryDelayMs(retry: Retry, attempt: number, random: number): number {
  return Math.round(retry.delayMs * retry.factor ** (attempt - 1) * (0.5 + random / 2));
}

function isCancel(error: unknown, signal: AbortSignal): boolean {
  return (
    error === signal.reason ||
    (error instanceof Error && error.name === 'AbortError') ||
    (error instanceof PipelineError && error.code === 'stage.canceled')
  );
}

/** System errors (a full disk, a lost right) end the stage; anything else is a bug and ends the program. */
function isExpected(error: unknown): boolean {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}

/** A failure of the machine in words for people, with the stage that met it. */
function toTold(stage: Stage, error: unknown, world: World): PipelineError {
  if (error instanceof PipelineError) return error;
  const known = world.explain(error);
  const [problem] = known?.problems ?? [];
  const { message } = error as Error;
  return stageError(
    stage,
    problem?.code ?? 'stage.system',
    `stage "${stage.name}" cannot go on: ${problem?.message ?? message}`,
    { hint: problem?.hint ?? 'see what the system says about this path, then run again', cause: error },
  );
}

function frozenWithoutOuts(stage: Stage, reasons: readonly Reason[]): PipelineError {
  // Then nothing was recorded, or other outs than these: no remote has what would help.
  const [frozen, ...why] = reasons;
  const isUnrecorded = frozen?.kind === 'frozen';
  const lacks = isUnrecorded
    ? `nothing is recorded that could stand for it: ${why.map(formatReason).join('; ')}`
    : 'its recorded outs are neither here nor in the cache';
  return stageError(stage, 'stage.frozen', `stage "${stage.name}" is frozen, and ${lacks}`, {
    hint: isUnrecorded
      ? 'take "frozen" away to run it, or to record what is here with "lockstep commit"'
      : 'run "lockstep pull", or take "frozen" away to run it',
  });
}
