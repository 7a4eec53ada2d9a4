import type { Command, Measured } from './measure.ts';
import type { Contender, Course, Trial } from './trial.ts';

/** What one contender took in one trial, a number for each time that counts. */
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
      for (const { contender, isFirst, isLast } of turnsOf(trial)) {
        if (isFirst) await contender.before?.();
        const measured = runOne(contender, trial.isNoOp === true, going);
        const told = isLast ? await contender.check?.(measured) : undefined;
        if (told !== undefined) agree(made, trial, { name: contender.name, told });
        if (round < 0) continue;
        const ms = contender.takes?.(measured) ?? measured.wallMs;
        taken.set(contender.name, [...(taken.get(contender.name) ?? []), ms]);
        peaks.set(contender.name, Math.max(peaks.get(contender.name) ?? 0, measured.peakBytes));
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

interface Turn {
  readonly contender: Contender;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

/** Who runs in one round of a trial: A B A B. */
function turnsOf({ contenders, times = 1 }: Trial): readonly Turn[] {
  return Array.from({ length: times }, (_, time) =>
    contenders.map((contender) => ({ contender, isFirst: time === 0, isLast: time === times - 1 })),
  ).flat();
}

function runOne(
  contender: Contender,
  isNoOp: boolean,
  { scratch, warmMemory, readPages, run }: Omit<Going, 'rounds'>,
): Measured {
  // Who flushes a file system flushes what everybody has written to it: nobody is to pay for the one before.
  run({ argv: ['sync', '-f', scratch], cwd: scratch });
  if (contender.reads !== undefined) readPages(contender.reads);
  // It would be paid for nothing: where less is free, the kernel is still making room when the command starts.
  if (!isNoOp) warmMemory();
  return run(contender.command());
}

function agree(made: Map<Trial, string>, trial: Trial, { name, told }: { name: string; told: string }): void {
  const before = made.get(trial);
  if (before === undefined) made.set(trial, told);
  else if (before !== told)
    throw new Error(`in "${trial.name}" ${name} made "${told}", but "${before}" was made before`);
}
