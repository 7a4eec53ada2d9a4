import assert from 'node:assert/strict';
import { after } from 'node:test';
import { createSeeded } from './seeded.ts';
import type { Seeded } from './seeded.ts';
import { createStage } from './trial.ts';
import type { Stage } from './trial.ts';
import { SCENARIOS } from './project.ts';
import type { Scenario } from './project.ts';

const FEW = 0.05;

/** One trial of a suite. */
export interface Trial {
  readonly what: string;
  /** True when what was to happen to the command did happen: its n-th call came. */
  run(): Promise<boolean>;
}

export interface RunOptions {
  readonly seed: number;
  /** All of them when absent. */
  readonly sample: number | undefined;
  /** Only scenarios whose name has this text. */
  readonly only: string | undefined;
  /** `SCENARIOS` when absent. */
  readonly scenarios?: readonly Scenario[];
}

export interface Tried {
  readonly tried: number;
  /** Those of them that disturbed the command. */
  readonly met: number;
  readonly failures: readonly Error[];
}

/**
 * Makes every scenario ready and lets a suite name its trials; runs all of them, or a seeded sample, two at a time.
 * Returns what failed: a suite tells every failure, not the first.
 */
export async function runTrials(
  trialsOf: (stage: Stage, seeded: Seeded) => readonly Trial[] | Promise<readonly Trial[]>,
  options: RunOptions,
): Promise<Tried> {
  const seeded = createSeeded(options.seed);
  const scenarios = (options.scenarios ?? SCENARIOS).filter(
    ({ name }) => options.only === undefined || name.includes(options.only),
  );
  const failures: Error[] = [];
  let met = 0;
  await twoAtATime(scenarios, async (scenario) => void (await stageOf(scenario)));
  const all: Trial[] = [];
  for (const scenario of scenarios) all.push(...(await trialsOf(await stageOf(scenario), seeded)));
  const chosen = options.sample === undefined ? all : seeded.sample(all, options.sample);
  await twoAtATime(chosen, async (trial) => {
    try {
      if (await trial.run()) met++;
    } catch (error) {
      failures.push(error as Error);
    }
  });
  return { tried: chosen.length, met, failures };
}

type OpenStage = Awaited<ReturnType<typeof createStage>>;

/** What was made ready: once for all suites of a file, because trials work in copies. */
const stages = new Map<Scenario, OpenStage>();
after(() => {
  for (const stage of stages.values()) stage.close();
});

async function stageOf(scenario: Scenario): Promise<Stage> {
  const stage = stages.get(scenario) ?? (await createStage(scenario));
  stages.set(scenario, stage);
  return stage;
}

async function twoAtATime<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const next = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all([next(), next()]);
}

/**
 * Nothing failed, and nearly every trial disturbed its command: calls come in another order when stages end in another
 * order, so a few of the last ones may not be reached.
 */
export function assertTried({ tried, met, failures }: Tried, seed: number): void {
  assert.equal(failures.length, 0, `LOCKSTEP_SEED=${seed}\n${formatFailures(failures)}`);
  assert.ok(tried > 0, 'nothing was tried');
  assert.ok(tried - met <= 1 + tried * FEW, `only ${met} of ${tried} commands were disturbed`);
}

/** Failures as one text: what was tried, and why it is not as it should be. */
function formatFailures(failures: readonly Error[]): string {
  return failures
    .map(
      (error) =>
        `${error.message}: ${error.cause instanceof Error ? error.cause.message : String(error.cause)}`,
    )
    .join('\n\n');
}
