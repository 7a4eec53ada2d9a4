import type { Emit } from '../base/event.ts';
import type { Pipeline } from '../base/types.ts';
import type { Clock } from '../io/clock.ts';
import type { Graph } from '../plan/graph.ts';
import type { RunCache } from '../record/runs.ts';
import type { Cache } from '../store/cache.ts';
import type { DiskFacts } from './facts.ts';
import type { Journal } from './journal.ts';
import type { Recorder } from './recorder.ts';

/** An open project: what its files say, and what works on them. Whoever needs some of it picks that. */
export interface OpenProject {
  readonly root: string;
  /** Where the words of the command line were typed, from the root: paths among them are taken, and commands of hints pasted there. */
  readonly folder: string;
  readonly stateDir: string;
  readonly pipeline: Pipeline;
  readonly graph: Graph;
  readonly clock: Clock;
  /** The runner's own environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  readonly cache: Cache;
  readonly runs: RunCache;
  readonly recorder: Recorder;
  readonly journal: Journal;
  readonly facts: DiskFacts;
}
