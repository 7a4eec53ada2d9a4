import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from './run-course.ts';
import { medianOf } from './samples.ts';

/**
 * A bound on our median. `atMost` is a sum: each contender's median times its factor, plus `ms`. The budget is broken
 * when ours is above the sum by more than `margin`, a fraction of it, which stands for the noise of the measurement.
 */
export interface TimeBudget {
  readonly atMost: Readonly<Record<string, number>>;
  readonly margin: number;
}

/** A bound on our peak memory, in MiB. */
export interface MemoryBudget {
  readonly peakMiB: number;
}

/** Scenario → trial → its budgets. */
export type Budgets = Readonly<
  Record<string, Readonly<Record<string, readonly (TimeBudget | MemoryBudget)[]>>>
>;

/** A budget beside what was measured. */
export interface Verdict {
  readonly text: string;
  /** `unknown`: a peer it compares with is not here. */
  readonly state: 'kept' | 'broken' | 'unknown';
}

/** Reads `bench/budgets.json`. */
export function readBudgets(): Budgets {
  return JSON.parse(readFileSync(join(import.meta.dirname, '..', 'budgets.json'), 'utf8')) as Budgets;
}

/** Holds the outcome of one trial to its budgets. */
export function judge(outcome: Outcome, budgets: readonly (TimeBudget | MemoryBudget)[]): readonly Verdict[] {
  return budgets.map((budget) =>
    'peakMiB' in budget ? judgeMemory(outcome, budget) : judgeTime(outcome, budget),
  );
}

function judgeTime(outcome: Outcome, { atMost, margin }: TimeBudget): Verdict {
  const medians = new Map(outcome.taken.map(({ name, ms }) => [name, medianOf(ms)]));
  const ours = medians.get('lockstep') ?? Number.NaN;
  let allowed = 0;
  const terms: string[] = [];
  for (const [name, factor] of Object.entries(atMost)) {
    allowed += name === 'ms' ? factor : factor * (medians.get(name) ?? Number.NaN);
    terms.push(
      name === 'ms'
        ? `${factor} ms`
        : factor < 1
          ? `${name} / ${+(1 / factor).toFixed(2)}`
          : `${factor} × ${name}`,
    );
  }
  const text = `${ours.toFixed(0)} ms of ${allowed.toFixed(0)} ms (${terms.join(' + ')}, margin ${margin * 100} %)`;
  if (Number.isNaN(allowed)) return { text: `${terms.join(' + ')}: not here`, state: 'unknown' };
  return { text, state: ours > allowed * (1 + margin) ? 'broken' : 'kept' };
}

function judgeMemory(outcome: Outcome, { peakMiB }: MemoryBudget): Verdict {
  const ours = outcome.taken.find(({ name }) => name === 'lockstep');
  if (!ours) return { text: `${peakMiB} MiB: not run`, state: 'unknown' };
  const peak = ours.peakBytes / 1024 ** 2;
  return { text: `${peak.toFixed(0)} MiB of ${peakMiB} MiB`, state: peak > peakMiB ? 'broken' : 'kept' };
}
