import { createSeeded } from './seeded.ts';
import type { Seeded } from './seeded.ts';
import { createStage } from './trial.ts';
import type { Stage } from './trial.ts';
import { SCENARIOS } from './project.ts';
import type { Scenario } from './project.ts';

/** One trial of a suite. */
export interface Trial {
  readonly what: string;
  run(): Promise<void>;
}

export interface RunOptions {
  readonly seed: number;
  /** All of them when absent. */
  readonly sample: number | undefined;
  /** Only scenarios whose name has this text. */
  readonly only: string | undefined;
}

/**
 * Makes every scenario ready and lets a suite name its trials; runs all of them, or a seeded sample, two at a time.
 * Returns what failed: a suite tells every failure, not the first.
 */
export async function runTrials(
  trialsOf: (stage: Stage, seeded: Seeded) => readonly Trial[],
  options: RunOptions,
): Promise<{ readonly tried: number; readonly failures: readonly Error[] }> {
  const seeded = createSeeded(options.seed);
  const scenarios = SCENARIOS.filter(({ name }) => options.only === undefined || name.includes(options.only));
  const stages = new Map<Scenario, Awaited<ReturnType<typeof createStage>>>();
  const failures: Error[] = [];
  try {
    await twoAtATime(scenarios, async (scenario) => void stages.set(scenario, await createStage(scenario)));
    const ready = scenarios.flatMap((scenario) => stages.get(scenario) ?? []);
    const all = ready.flatMap((stage) => trialsOf(stage, seeded));
    const chosen = options.sample === undefined ? all : seeded.sample(all, options.sample);
    await twoAtATime(chosen, async (trial) => {
      try {
        await trial.run();
      } catch (error) {
        failures.push(error as Error);
      }
    });
    return { tried: chosen.length, failures };
  } finally {
    for (const stage of stages.values()) stage.close();
  }
}

async function twoAtATime<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const next = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all([next(), next()]);
}

/** Failures as one text: what was tried, and why it is not as it should be. */
export function formatFailures(failures: readonly Error[]): string {
  return failures
    .map(
      (error) =>
        `${error.message}: ${error.cause instanceof Error ? error.cause.message : String(error.cause)}`,
    )
    .join('\n\n');
}
