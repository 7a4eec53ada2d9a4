import { EXIT, PipelineError, toProblem } from '../base/error.ts';
import type { Emit, Outcome } from '../base/event.ts';
import type { Reason } from '../base/reason.ts';
import type { Fingerprint, Stage, StageLock, StageName } from '../base/types.ts';
import type { Decision } from '../plan/decide.ts';
import type { Graph } from '../plan/graph.ts';
import { judge } from '../plan/plan.ts';
import type { Judgement, Known, Plan, Selection } from '../plan/plan.ts';
import { retryDelayMs } from './retry.ts';
import { createSlots } from './slots.ts';
import type { Attempted, World } from './world.ts';

export interface RunOptions {
  readonly graph: Graph;
  readonly selection: Selection;
  readonly plan: Plan;
  readonly world: World;
  readonly jobs: number;
  readonly pools: Readonly<Record<string, number>>;
  readonly ranks: ReadonlyMap<StageName, number>;
  readonly keepGoing: boolean;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

export interface RunResult {
  readonly counts: Readonly<Record<Outcome, number>>;
  /** In the order in which they ended. */
  readonly failures: readonly { readonly stage: StageName; readonly error: unknown }[];
}

/**
 * Brings the selected stages up to date: each is judged again once its upstream has settled, so that an upstream with
 * equal outs stops the wave, and runs as soon as a slot is free. Never throws for a failing stage.
 */
export async function runPlan(options: RunOptions): Promise<RunResult> {
  const { graph, selection, plan, world, emit } = options;
  const counts: Record<Outcome, number> = {
    fresh: 0,
    restored: 0,
    ran: 0,
    failed: 0,
    blocked: 0,
    canceled: 0,
  };
  const failures: { stage: StageName; error: unknown }[] = [];
  const known = new Map<StageName, Known>();
  const ran = new Set<StageName>();
  const bugs: unknown[] = [];
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  /** After a failure nothing new starts; what runs may finish. */
  let halted = false;
  const slots = createSlots(options.jobs, options.pools);
  /** How a stage left things for those that read from it. */
  const settled = new Map<StageName, Promise<'ok' | 'not-ok'>>();
  const judged = new Map(plan.judgements.map((judgement) => [judgement.stage.name, judgement]));

  function finish(
    stage: Stage,
    outcome: Outcome,
    reasons: readonly Reason[],
    more: Finished = {},
  ): 'ok' | 'not-ok' {
    counts[outcome]++;
    if (more.error !== undefined) failures.push({ stage: stage.name, error: more.error });
    const { durationMs, peakMemory, result, error } = more;
    emit({
      type: 'stage-finished',
      stage: stage.name,
      outcome,
      reasons,
      ...(durationMs !== undefined && { durationMs }),
      ...(peakMemory !== undefined && { peakMemory }),
      ...(result && {
        outs: result.outs.map(({ path, hash, size, files }) => ({
          path,
          hash,
          size,
          ...(files !== undefined && { files }),
        })),
      }),
      ...(error !== undefined && { problem: toProblem(error) }),
    });
    if (result) known.set(stage.name, { outs: result.outs, placed: true });
    if (outcome === 'ran') ran.add(stage.name);
    if (outcome === 'failed' && !options.keepGoing) halted = true;
    return outcome === 'fresh' || outcome === 'restored' || outcome === 'ran' ? 'ok' : 'not-ok';
  }

  async function settle(stage: Stage): Promise<'ok' | 'not-ok'> {
    const above = (graph.upstream.get(stage.name) ?? []).filter((name) => selection.stages.has(name));
    const outcomes = await Promise.all(above.map(async (name) => settled.get(name)));
    const blocker = above.find((_, index) => outcomes[index] === 'not-ok');
    if (blocker !== undefined)
      return finish(stage, signal.aborted ? 'canceled' : 'blocked', [
        { kind: 'upstream-failed', stage: blocker },
      ]);
    if (signal.aborted || halted)
      return finish(stage, 'canceled', judged.get(stage.name)?.decision.reasons ?? []);
    const planned = judged.get(stage.name);
    // An upstream that was to be restored and ran instead may have made something else than was planned with.
    const isOutdated = planned?.decision.verdict === 'wait' || above.some((name) => ran.has(name));
    const judgement = isOutdated ? await judgeAgain(stage) : planned;
    if (!judgement) throw new Error(`stage ${stage.name} was not planned`);
    const { decision } = judgement;
    try {
      return await act(stage, judgement);
    } catch (error) {
      if (signal.aborted && isCancel(error, signal)) return finish(stage, 'canceled', decision.reasons);
      if (!(error instanceof PipelineError) && !isExpected(error)) throw error;
      return finish(stage, 'failed', decision.reasons, { error: toTold(stage, error, world) });
    }
  }

  /** Its upstream has settled: what reads a folder around several outs must be looked at again. */
  async function judgeAgain(stage: Stage): Promise<Judgement> {
    const around = stage.deps
      .map((dep) => dep.path)
      .filter((path) => graph.makersOf(path).some((maker) => maker.relation === 'around'));
    if (around.length > 0) await world.look(around);
    return judge(stage.name, { graph, selection, facts: world.facts, known });
  }

  async function act(stage: Stage, { decision, fingerprint, problems }: Judgement): Promise<'ok' | 'not-ok'> {
    const [problem] = problems;
    if (problem) throw PipelineError.of([problem]);
    switch (decision.verdict) {
      case 'skip': {
        const { result } = decision;
        if (decision.reasons.some((reason) => reason.kind === 'gate-changed'))
          world.judgeGates(stage, result);
        return finish(stage, 'fresh', decision.reasons, { result });
      }
      case 'restore':
        return restoreStage(stage, decision);
      case 'blocked':
        throw frozenWithoutOuts(stage);
      case 'run':
        if (!fingerprint) throw new Error(`stage ${stage.name} has no fingerprint`);
        return runStage(stage, fingerprint, decision.reasons);
      case 'wait':
        throw new Error(`stage ${stage.name} still waits`);
      default:
        return decision satisfies never;
    }
  }

  /** An object found damaged on the way has left the cache: judged again, the stage runs and so heals it. */
  async function restoreStage(
    stage: Stage,
    decision: Extract<Decision, { verdict: 'restore' }>,
  ): Promise<'ok' | 'not-ok'> {
    try {
      await world.restore(stage, decision.result);
    } catch (error) {
      if (
        !(error instanceof PipelineError) ||
        !['object.missing', 'object.corrupt', 'manifest.invalid'].includes(error.code)
      )
        throw error;
      const again = judge(stage.name, { graph, selection, facts: world.facts, known });
      if (again.decision.verdict === 'restore') throw error;
      return act(stage, again);
    }
    return finish(stage, 'restored', decision.reasons, { result: decision.result });
  }

  async function runStage(
    stage: Stage,
    fingerprint: Fingerprint,
    reasons: readonly Reason[],
  ): Promise<'ok' | 'not-ok'> {
    const release = await slots.take(stage, options.ranks.get(stage.name) ?? 0);
    const startedAt = world.now();
    try {
      if (signal.aborted || halted) return finish(stage, 'canceled', reasons);
      const attempted = await attemptWithRetries(stage, fingerprint, reasons);
      release();
      emit({ type: 'stage-committing', stage: stage.name });
      await attempted.commit();
      const durationMs = world.now() - startedAt;
      const { result, peakMemory } = attempted;
      return finish(stage, 'ran', reasons, {
        durationMs,
        result,
        ...(peakMemory !== undefined && { peakMemory }),
      });
    } catch (error) {
      if (signal.aborted && isCancel(error, signal)) throw error;
      if (!(error instanceof PipelineError) && !isExpected(error)) throw error;
      return finish(stage, 'failed', reasons, {
        durationMs: world.now() - startedAt,
        error: toTold(stage, error, world),
      });
    } finally {
      release();
    }
  }

  async function attemptWithRetries(
    stage: Stage,
    fingerprint: Fingerprint,
    reasons: readonly Reason[],
  ): Promise<Attempted> {
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

  for (const { stage } of plan.judgements) {
    const outcome = settle(stage).catch((error: unknown): 'not-ok' => {
      bugs.push(error);
      stop.abort(error);
      return 'not-ok';
    });
    settled.set(stage.name, outcome);
  }
  await Promise.all(settled.values());
  if (bugs.length > 0) throw bugs[0];
  return { counts, failures };
}

interface Finished {
  readonly durationMs?: number;
  readonly peakMemory?: number;
  readonly result?: StageLock;
  readonly error?: unknown;
}

/** What a stage's process did may go better next time; what its outs are will not. */
function isWorthRetrying(error: unknown): boolean {
  return error instanceof PipelineError && error.retryable;
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
function toTold(stage: Stage, error: unknown, world: World): unknown {
  if (error instanceof PipelineError) return error;
  const known = world.explain(error);
  const [problem] = known?.problems ?? [];
  const { message } = error as Error;
  return new PipelineError(
    problem?.code ?? 'stage.system',
    `stage "${stage.name}" cannot go on: ${problem?.message ?? message}`,
    {
      exit: EXIT.failed,
      at: stage.at,
      hint: problem?.hint ?? 'see what the system says about this path, then run again',
      cause: error,
    },
  );
}

function frozenWithoutOuts(stage: Stage): PipelineError {
  return new PipelineError(
    'stage.frozen',
    `stage "${stage.name}" is frozen, and its outs are neither here nor in the cache`,
    {
      exit: EXIT.failed,
      at: stage.at,
      hint: 'run "lockstep pull", or take "frozen" away to run it',
    },
  );
}
