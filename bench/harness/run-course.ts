import type { Command, Measured } from './measure.ts';
import type { Contender, Course, Trial } from './trial.ts';

/** What one contender took in one trial, a number per counted round. */
export interface Taken {
  readonly name: string;
  readonly ms: readonly number[];
  /** The highest of all rounds. */
  readonly peakBytes: number;
}

/** One trial after all rounds. */
export interface Outcome {
  readonly trial: string;
  readonly taken: readonly Taken[];
  readonly missing: readonly string[];
  /** What all contenders made, where they say so. */
  readonly made: string | undefined;
}

/**
 * Runs the trials round by round, in each trial one contender after the other, so that all of them see the same weather.
 * Throws when two contenders made different things.
 */
export async function runCourse(course: Course, { rounds, ...going }: Going): Promise<readonly Outcome[]> {
  const results = course.trials.map((trial) => ({
    trial,
    taken: new Map<string, number[]>(),
    peaks: new Map<string, number>(),
  }));
  const made = new Map<Trial, string>();
  const first = course.warmUp === 'round' ? -1 : 0;
  for (let round = first; round < rounds; round++) {
    for (const { trial, taken, peaks } of results) {
      for (const contender of trial.contenders) {
        const { ms, peakBytes, told } = await runOne(contender, going);
        if (told !== undefined) agree(made, trial, { name: contender.name, told });
        if (round < 0) continue;
        taken.set(contender.name, [...(taken.get(contender.name) ?? []), ms]);
        peaks.set(contender.name, Math.max(peaks.get(contender.name) ?? 0, peakBytes));
      }
    }
  }
  return results.map(({ trial, taken, peaks }) => ({
    trial: trial.name,
    taken: [...taken].map(([name, ms]) => ({ name, ms, peakBytes: peaks.get(name) ?? 0 })),
    missing: trial.missing ?? [],
    made: made.get(trial),
  }));
}

/** How a course is run. */
export interface Going {
  /** Counted rounds. */
  readonly rounds: number;
  /** A folder of the file system that is flushed before each command. */
  readonly scratch: string;
  /** Brings back memory that the host of a virtual machine took, so that the command does not pay for it. */
  readonly warmMemory: () => void;
  /** Brings a folder into the page cache. */
  readonly readPages: (folder: string) => void;
  /** Runs a command to its end and measures it. */
  readonly run: (command: Command) => Measured;
}

async function runOne(
  contender: Contender,
  { scratch, warmMemory, readPages, run }: Omit<Going, 'rounds'>,
): Promise<{ ms: number; peakBytes: number; told: string | undefined }> {
  await contender.before?.();
  // Who flushes a file system flushes what everybody has written to it: nobody is to pay for the one before.
  run({ argv: ['sync', '-f', scratch], cwd: scratch });
  if (contender.reads !== undefined) readPages(contender.reads);
  warmMemory();
  const measured = run(contender.command());
  const told = await contender.check?.(measured);
  return { ms: contender.takes?.(measured) ?? measured.wallMs, peakBytes: measured.peakBytes, told };
}

function agree(made: Map<Trial, string>, trial: Trial, { name, told }: { name: string; told: string }): void {
  const before = made.get(trial);
  if (before === undefined) made.set(trial, told);
  else if (before !== told)
    throw new Error(`in "${trial.name}" ${name} made "${told}", but "${before}" was made before`);
}
