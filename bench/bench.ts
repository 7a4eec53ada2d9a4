import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statfsSync,
} from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { isKept, judge, readBudgets, refuseUnknown } from './harness/budgets.ts';
import type { Budgets } from './harness/budgets.ts';
import { forgetPages, measure, readPages, warmMemory } from './harness/measure.ts';
import type { Command } from './harness/measure.ts';
import { readOptions } from './harness/options.ts';
import type { Options } from './harness/options.ts';
import { findPeer } from './harness/peers.ts';
import { formatOutcome } from './harness/report.ts';
import { runCourse } from './harness/run-course.ts';
import { stagePackage } from './harness/stage-package.ts';
import type { Bench, Course, Scenario } from './harness/trial.ts';

const SCENARIOS = join(import.meta.dirname, 'scenarios');
/** Where discarded things wait to be removed. */
const AWAY = 'away';

const options = readOptions(process.argv.slice(2));
process.exitCode = (await runAll(options)) || !options.check ? 0 : 1;

/** True when every budget is kept. */
async function runAll({ names, dir, installed, ...rest }: Options): Promise<boolean> {
  const known = readdirSync(SCENARIOS).map((file) => file.replace(/\.ts$/, ''));
  const chosen = names.length > 0 ? names : known.sort();
  const unknown = chosen.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new Error(`there is no scenario "${unknown}"; there are ${known.join(', ')}`);
  const work = realpathSync(mkdtempSync(join(dir, 'lockstep-bench-')));
  // Gigabytes must not stay behind when someone has seen enough.
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      rmSync(work, { recursive: true, force: true });
      process.exit(code);
    });
  }
  try {
    const [cpu] = cpus();
    console.log(
      `${new Date().toISOString()}  Node ${process.version}  ${cpus().length} × ${cpu?.model ?? 'unknown'}\n`,
    );
    const budgets = rest.quick ? {} : readBudgets();
    refuseUnknown('scenario', budgets, known);
    const place = { work, installed: installed ?? (await stagePackage(join(work, 'install'))) };
    let kept = true;
    for (const name of chosen) kept = (await runScenario(name, { ...rest, ...place, budgets })) && kept;
    return kept;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

interface Setting {
  readonly work: string;
  readonly installed: string;
  readonly quick: boolean;
  readonly rounds: number | undefined;
  readonly budgets: Budgets;
}

async function runScenario(
  name: string,
  { work, installed, quick, rounds: wanted, budgets }: Setting,
): Promise<boolean> {
  const { default: scenario } = (await import(join(SCENARIOS, `${name}.ts`))) as { default: Scenario };
  const needs = (rounds: number): number => scenario.diskBytes(quick, rounds);
  const most = wanted ?? scenario.rounds;
  if (freeBytes(work) < needs(most)) rmSync(join(work, AWAY), { recursive: true, force: true });
  const fewest = wanted ?? 1;
  let rounds = most;
  while (rounds > fewest && freeBytes(work) < needs(rounds)) rounds--;
  if (freeBytes(work) < needs(rounds)) {
    console.log(`${name}: NOT RUN, needs ${(needs(rounds) / 1e9).toFixed(1)} GB of free disk\n`);
    return false;
  }
  console.log(`${name}: ${scenario.title}${quick ? ' (quick sizes, budgets not judged)' : ''}`);
  if (rounds < most)
    console.log(
      `  ${rounds} of ${most} rounds, which need ${(needs(most) / 1e9).toFixed(1)} GB of free disk`,
    );
  const dir = join(work, name);
  const scratch = join(work, 'scratch');
  for (const folder of [dir, scratch]) mkdirSync(folder, { recursive: true });
  const discard = createDiscard(work);
  const run = (command: Command): ReturnType<typeof measure> => measure(command, scratch);
  const lockstep = (cwd: string, ...args: readonly string[]): Command => ({
    argv: [process.execPath, join(installed, 'bin', 'lockstep.cjs'), ...args],
    cwd,
  });
  let course: Course | undefined;
  try {
    course = await scenario.prepare({ dir, quick, installed, run, lockstep, discard, peer: findPeer });
    refuseUnknown(
      'trial',
      budgets[name] ?? {},
      course.trials.map((trial) => trial.name),
    );
    const touched = scenario.touchedBytes?.(quick) ?? 0;
    const outcomes = await runCourse(course, {
      rounds,
      scratch,
      run,
      warmMemory: () => touched > 0 && warmMemory(touched),
      readPages,
    });
    const judged = outcomes.map((outcome) => ({
      outcome,
      verdicts: judge(outcome, budgets[name]?.[outcome.trial] ?? []),
    }));
    console.log(
      `  load ${loadavg()
        .map((load) => load.toFixed(1))
        .join(' ')}`,
    );
    for (const { outcome, verdicts } of judged) console.log(formatOutcome(outcome, verdicts));
    return judged.every(({ verdicts }) => isKept(verdicts));
  } finally {
    course?.close?.();
    discard(dir);
  }
}

function createDiscard(work: string): Bench['discard'] {
  const away = join(work, AWAY);
  return (...paths) => {
    mkdirSync(away, { recursive: true });
    for (const path of paths) {
      if (!existsSync(path)) continue;
      const one = mkdtempSync(join(away, 'one-'));
      renameSync(path, join(one, 'it'));
      forgetPages(one);
    }
  };
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
