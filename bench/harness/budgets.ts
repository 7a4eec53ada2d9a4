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
  /** `not judged`: a peer it compares with is not on this machine. `unknown`: what it compares did not run. */
  readonly state: 'kept' | 'broken' | 'not judged' | 'unknown';
}

/** True when no budget is broken, and none is about something that nobody ran. */
export function isKept(verdicts: readonly Verdict[]): boolean {
  return verdicts.every(({ state }) => state === 'kept' || state === 'not judged');
}

/** Throws when a part of the budgets has a name that there is not: it would never be judged. */
export function refuseUnknown(what: string, named: object, known: readonly string[]): void {
  const stray = Object.keys(named).find((name) => !known.includes(name));
  if (stray !== undefined)
    throw new Error(`budgets.json names the ${what} "${stray}"; there are ${known.join(', ')}`);
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
  const terms = Object.entries(atMost);
  const sum = terms.map(formatTerm).join(' + ');
  const peers = Object.keys(atMost).filter((name) => name !== 'ms');
  const without = lacking(outcome, ['lockstep', ...peers]);
  if (without) return { ...without, text: `${sum}: ${without.text}` };
  const medians = new Map(outcome.taken.map(({ name, ms }) => [name, medianOf(ms)]));
  medians.set('ms', 1);
  const valueOf = (name: string): number => medians.get(name) ?? Number.NaN;
  const ours = valueOf('lockstep');
  const allowed = terms.reduce((total, [name, factor]) => total + factor * valueOf(name), 0);
  const text = `${ours.toFixed(0)} ms of ${allowed.toFixed(0)} ms (${sum}, margin ${margin * 100} %)`;
  return { text, state: ours <= allowed * (1 + margin) ? 'kept' : 'broken' };
}

function formatTerm([name, factor]: readonly [string, number]): string {
  if (name === 'ms') return `${factor} ms`;
  return factor < 1 ? `${name} / ${+(1 / factor).toFixed(2)}` : `${factor} × ${name}`;
}

function judgeMemory(outcome: Outcome, { peakMiB }: MemoryBudget): Verdict {
  const without = lacking(outcome, ['lockstep']);
  if (without) return { ...without, text: `${peakMiB} MiB: ${without.text}` };
  const peak = (outcome.taken.find(({ name }) => name === 'lockstep')?.peakBytes ?? Number.NaN) / 1024 ** 2;
  return { text: `${peak.toFixed(0)} MiB of ${peakMiB} MiB`, state: peak <= peakMiB ? 'kept' : 'broken' };
}

/** Why a budget on these contenders cannot be judged, if so. A trial that needs what is not here runs nobody. */
function lacking({ taken, missing }: Outcome, names: readonly string[]): Verdict | undefined {
  const absent = names.filter((name) => !taken.some((one) => one.name === name));
  if (absent.length === 0) return undefined;
  if (taken.length === 0 && missing.length > 0)
    return { state: 'not judged', text: `${missing.join(', ')} is not here` };
  const stray = absent.filter((name) => !missing.includes(name));
  return stray.length === 0
    ? { state: 'not judged', text: `${absent.join(', ')} is not here` }
    : { state: 'unknown', text: `${stray.join(', ')} did not run` };
}
