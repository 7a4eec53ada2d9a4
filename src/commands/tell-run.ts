import { PipelineError } from '../base/error.ts';
import { toToldOuts } from '../base/event.ts';
import { runStampOf } from '../base/run-id.ts';
import type { RunResult } from '../execute/run.ts';
import type { Clock } from '../io/clock.ts';
import type { Plan } from '../plan/plan.ts';
import type { CommandContext } from './command.ts';
import { toJudged } from './judged.ts';

/** What is to be told of a run when it begins. */
export interface Beginning {
  readonly clock: Pick<Clock, 'now'>;
  readonly pipeline: string;
  /** How many are asked for. */
  readonly stages: number;
}

/** How a run went. */
export interface Ended {
  readonly counts: RunResult['counts'];
  /** Of stages, or of the run itself. */
  readonly failures: readonly unknown[];
}

/** Begins a run for those who listen; returns what ends it. Its id sorts by time. */
export function startRun(
  { emit, signal, line }: CommandContext,
  { clock, pipeline, stages }: Beginning,
): (result: Ended, durationMs: number) => void {
  const mark = Math.floor(Math.random() * 0x10000);
  const run = `${runStampOf(clock.now())}-${mark.toString(16).padStart(4, '0')}`;
  emit({ type: 'run-started', run, command: line, pipeline, stages });
  return ({ counts, failures }, durationMs) => {
    const outcome = signal.aborted ? 'canceled' : failures.length > 0 ? 'failed' : 'succeeded';
    emit({ type: 'run-finished', run, outcome, counts, durationMs });
  };
}

/** Tells how each stage was judged. */
export function tellPlan(context: CommandContext, plan: Plan): void {
  context.emit({ type: 'plan-made', stages: plan.judgements.map(toJudged) });
}

/** Tells of a plan that leaves nothing to do how each stage ended. */
export function tellFreshStages(context: CommandContext, { judgements }: Plan): void {
  for (const { stage, decision } of judgements) {
    if (decision.verdict !== 'skip') continue;
    const { reasons, result } = decision;
    const outs = toToldOuts(result.outs);
    context.emit({ type: 'stage-finished', stage: stage.name, outcome: 'fresh', reasons, outs });
  }
}

/** Problems that are known before anything runs: nothing then does. */
export function refuseProblems(plan: Plan): void {
  if (plan.problems.length > 0) throw PipelineError.of(plan.problems);
}
