import type { Command, Measured } from './measure.ts';

/** One program in a trial. */
export interface Contender {
  /** `lockstep`, a peer, or a floor such as `walk`; the name budgets use. */
  readonly name: string;
  /** Brings the disk into the state the command is measured in; not timed. */
  readonly before?: () => void | Promise<void>;
  /** A folder whose files it reads, where they are many bytes: read right before, so that all find theirs in the page cache. */
  readonly reads?: string;
  readonly command: () => Command;
  /**
   * What it made, counted and hashed, for example `20000 files 1f3a…`; not timed. All contenders of a trial that say
   * something must say the same. Throws when the output is wrong.
   */
  readonly check?: (measured: Measured) => string | Promise<string>;
  /** What is compared instead of wall time, in milliseconds. */
  readonly takes?: (measured: Measured) => number;
}

/** Programs that do the same thing, to be run in turn; the name is the one budgets use. */
export interface Trial {
  readonly name: string;
  readonly contenders: readonly Contender[];
  /** Its commands find all as it should be, and move no bytes. */
  readonly isNoOp?: boolean;
  /**
   * How often they are run in each round, in turn, where a command leaves nothing behind: `before` comes once before,
   * `check` once after.
   */
  readonly times?: number;
  /** Peers that this machine does not have. */
  readonly missing?: readonly string[];
}

/** Trials in the order they are run; with several rounds, all of them again. */
export interface Course {
  readonly trials: readonly Trial[];
  /** `round`: a whole round goes first and is not counted. `done`: the scenario has warmed everything up itself. */
  readonly warmUp: 'round' | 'done';
  /** Ends what was started for it. */
  readonly close?: () => void;
}

/** What a scenario gets. */
export interface Bench {
  /** An empty folder of its own, removed afterwards. */
  readonly dir: string;
  /** Small sizes: to see that everything works, not to judge. */
  readonly quick: boolean;
  /** The staged package. */
  readonly installed: string;
  /** The command `lockstep ARGS` in a project folder. */
  readonly lockstep: (cwd: string, ...args: readonly string[]) => Command;
  /** Runs something that is not measured; throws when it fails. */
  readonly run: (command: Command) => Measured;
  /**
   * Takes files and folders away. They are removed once all is over: ext4 looks at every inode that was removed in the last
   * minutes before it gives out a new one, and what is measured next would pay for that.
   */
  readonly discard: (...paths: readonly string[]) => void;
  /** Where a peer is; one that is not here is reported. */
  readonly peer: (name: string) => string | undefined;
}

/** A file of `bench/scenarios/`, its default export. */
export interface Scenario {
  /** One line: what is measured. */
  readonly title: string;
  /** Counted rounds, when the user names no number; fewer where the disk has no room for what they put aside. */
  readonly rounds: number;
  /** What it needs on disk at most for so many counted rounds. */
  readonly diskBytes: (quick: boolean, rounds: number) => number;
  /** What one of its commands reads and writes, where that is much: so much memory is brought back before each, but for no-ops. */
  readonly touchedBytes?: (quick: boolean) => number;
  readonly prepare: (bench: Bench) => Course | Promise<Course>;
}
