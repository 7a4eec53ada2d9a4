import { PipelineError, toProblem } from '../base/error.ts';
import type { Outcome } from '../base/event.ts';
import { toToldOuts } from '../base/event.ts';
import type { Fingerprint, RelPath, Stage, StageName } from '../base/types.ts';
import type { Graph } from '../plan/graph.ts';
import { judge, selectMakers } from '../plan/plan.ts';
import type { Judgement, Known, Plan, Selection } from '../plan/plan.ts';
import { createStageRunner } from './run-stage.ts';
import type { Finished, StageRunnerOptions } from './run-stage.ts';

export interface RunOptions extends Omit<StageRunnerOptions, 'heirOf' | 'judgeAgain' | 'hasMoved'> {
  readonly graph: Graph;
  readonly selection: Selection;
  readonly plan: Plan;
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
  const bugs: unknown[] = [];
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const runner = createStageRunner({ ...options, signal, heirOf, judgeAgain, hasMoved });
  /** How a stage left things for those that read from it. */
  const settled = new Map<StageName, Promise<Outcome>>();

  function heirOf(stage: StageName): number | undefined {
    const heirs = (graph.downstream.get(stage) ?? []).filter((name) => selection.stages.has(name));
    // Not `Math.max(...)`: there may be more of them than a call takes arguments.
    const first = (most: number | undefined, name: StageName): number =>
      Math.max(most ?? 0, options.ranks.get(name) ?? 0);
    return heirs.reduce(first, undefined);
  }

  function finish(stage: Stage, finished: Finished): Outcome {
    const { outcome, result, error } = finished;
    counts[outcome]++;
    if (error !== undefined) failures.push({ stage: stage.name, error });
    emit({ type: 'stage-finished', stage: stage.name, ...toTold(finished) });
    if (result) known.set(stage.name, { outs: result.outs, placed: true });
    return outcome;
  }

  async function settle(planned: Judgement): Promise<Outcome> {
    const { stage, decision } = planned;
    // What a frozen stage made stands whatever becomes of those that it reads from.
    const upstream = stage.policy.frozen ? [] : (graph.upstream.get(stage.name) ?? []);
    const above = upstream.filter((name) => selection.stages.has(name));
    const outcomes = await Promise.all(above.map(async (name) => settled.get(name)));
    const blocker = above.find((_, index) => outcomes[index] === 'failed' || outcomes[index] === 'blocked');
    if (blocker !== undefined && !signal.aborted)
      return finish(stage, { outcome: 'blocked', reasons: [{ kind: 'upstream-failed', stage: blocker }] });
    if (signal.aborted || runner.isHalted())
      return finish(stage, { outcome: 'canceled', reasons: decision.reasons });
    // An upstream that was to be restored and ran instead may have made something else than was planned with.
    const isOutdated = decision.verdict === 'wait' || outcomes.includes('ran');
    return finish(stage, await runner.bringUpToDate(planned, isOutdated));
  }

  /** A folder around several outs is looked at again: they may have been put there meanwhile. */
  async function judgeAgain(stage: Stage): Promise<Judgement> {
    const around = stage.deps
      .map((dep) => dep.path)
      .filter((path) => graph.makersOf(path).some((maker) => maker.relation === 'around'));
    if (around.length > 0) await world.look(around);
    return judge(stage.name, { graph, selection, facts: world.facts, known });
  }

  /** While a stage waits for its upstream or a slot, an input may be edited. */
  async function hasMoved(stage: Stage, fingerprint: Fingerprint): Promise<boolean> {
    const isMade = (path: string): boolean => selectMakers(graph.makersOf(path), selection).length > 0;
    const paths = stage.deps.map((dep) => dep.path).filter((path) => !isMade(path));
    await world.look(paths);
    const planned = new Map(fingerprint.deps.map((dep): [string, string] => [dep.path, dep.hash]));
    return paths.some((path) => planned.get(path) !== hashNow(path));
  }

  /** `undefined` also for what cannot be read: judging says why. */
  function hashNow(path: RelPath): string | undefined {
    try {
      return world.facts.depHash(path);
    } catch (error) {
      if (error instanceof PipelineError) return undefined;
      throw error;
    }
  }

  for (const judgement of plan.judgements) {
    const outcome = settle(judgement).catch((error: unknown): Outcome => {
      bugs.push(error);
      stop.abort(error);
      return 'failed';
    });
    settled.set(judgement.stage.name, outcome);
  }
  await Promise.all(settled.values());
  if (bugs.length > 0) throw bugs[0];
  return { counts, failures };
}

/** What listeners hear of a stage's end. */
function toTold({ outcome, reasons, durationMs, peakMemory, result, error }: Finished) {
  return {
    outcome,
    reasons,
    ...(durationMs !== undefined && { durationMs }),
    ...(peakMemory !== undefined && { peakMemory }),
    ...(result && { outs: toToldOuts(result.outs) }),
    ...(error !== undefined && { problem: toProblem(error) }),
  };
}
