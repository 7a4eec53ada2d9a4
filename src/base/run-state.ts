import type { Event, Outcome } from './event.ts';
import type { Problem } from './error.ts';
import type { Reason } from './reason.ts';

export interface StageState {
  readonly stage: string;
  readonly phase: 'waiting' | 'running' | 'retrying' | 'committing' | 'done';
  readonly attempt: number;
  /** Epoch ms of the first attempt's start. */
  readonly startedAt?: number;
  readonly progress?: { readonly done: number; readonly total?: number; readonly label?: string };
  readonly outcome?: Outcome;
  readonly reasons: readonly Reason[];
  readonly durationMs?: number;
  readonly problem?: Problem;
}

/** What is known of a run: the same for the terminal, the history and whoever else follows the events. */
export interface RunState {
  readonly startedAt?: number;
  /** In the order of the plan. */
  readonly stages: ReadonlyMap<string, StageState>;
  readonly outcome?: 'succeeded' | 'failed' | 'canceled';
  readonly durationMs?: number;
}

/** The state before the first event. */
export function emptyRun(): RunState {
  return { stages: new Map() };
}

/** Takes one event into the state; events that say nothing about stages return the state unchanged. */
export function reduceRun(state: RunState, event: Event): RunState {
  switch (event.type) {
    case 'run-started':
      return { startedAt: event.at, stages: new Map() };
    case 'plan-made':
      return {
        ...state,
        stages: new Map(event.stages.map(({ stage, reasons }) => [stage, waiting(stage, reasons)])),
      };
    case 'stage-started':
      // Progress is an attempt's own.
      return patch(state, event.stage, ({ progress: _, ...old }) => ({
        ...old,
        phase: 'running',
        attempt: event.attempt,
        startedAt: old.startedAt ?? event.at,
        reasons: event.reasons,
      }));
    case 'stage-progressed': {
      const { done, total, label } = event;
      const progress = { done, ...(total !== undefined && { total }), ...(label !== undefined && { label }) };
      return patch(state, event.stage, (old) => ({ ...old, progress }));
    }
    case 'attempt-failed':
      return patch(state, event.stage, (old) => ({ ...old, phase: 'retrying', problem: event.problem }));
    case 'stage-committing':
      return patch(state, event.stage, (old) => ({ ...old, phase: 'committing' }));
    case 'stage-finished':
      return patch(state, event.stage, ({ problem: _, ...old }) => ({
        ...old,
        phase: 'done',
        outcome: event.outcome,
        reasons: event.reasons,
        ...(event.durationMs !== undefined && { durationMs: event.durationMs }),
        ...(event.problem && { problem: event.problem }),
      }));
    case 'run-finished':
      return { ...state, outcome: event.outcome, durationMs: event.durationMs };
    default:
      return state;
  }
}

function waiting(stage: string, reasons: readonly Reason[] = []): StageState {
  return { stage, reasons, phase: 'waiting', attempt: 0 };
}

function patch(state: RunState, stage: string, change: (old: StageState) => StageState): RunState {
  const old = state.stages.get(stage) ?? waiting(stage);
  const stages = state.stages as Map<string, StageState>;
  // One owner holds the state, so the map is updated in place: copying it would make a run of n stages quadratic.
  stages.set(stage, change(old));
  return { ...state, stages };
}
