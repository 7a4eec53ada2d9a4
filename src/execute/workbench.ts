import type { Emit } from '../base/event.ts';
import type { HashAlgorithm, RelPath, StageLock } from '../base/types.ts';
import type { Clock } from '../io/clock.ts';
import { foldsNames } from '../io/folding.ts';
import type { RunCache } from '../record/runs.ts';
import type { Cache } from '../store/cache.ts';
import type { OwnPackage } from './attempt-inputs.ts';
import { createDiskWorld } from './disk-world.ts';
import type { DiskFacts } from './facts.ts';
import type { Journal } from './journal.ts';
import { keepUnsaved } from './keep.ts';
import type { Recorder } from './recorder.ts';
import { recoverAttempts } from './recover.ts';
import { createRestorer } from './restore.ts';
import type { Restorer } from './restore.ts';
import type { World } from './world.ts';

/** What changes a project: loaded by commands that do, and not by those that only look. */
export interface Workbench {
  readonly world: World;
  readonly restorer: Restorer;
  /** Cleans up after runners that died. */
  recover(): Promise<void>;
}

export interface WorkbenchOptions {
  readonly root: string;
  readonly stateDir: string;
  readonly cache: Cache;
  readonly runs: RunCache;
  readonly facts: DiskFacts;
  readonly recorder: Recorder;
  readonly journal: Journal;
  readonly algorithm: HashAlgorithm;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly own: OwnPackage;
  readonly conditions: readonly string[];
  readonly clock: Clock;
  readonly emit: Emit;
}

export function createWorkbench(options: WorkbenchOptions): Workbench {
  const { root, stateDir, cache, runs, facts, recorder, journal, algorithm, clock, emit } = options;
  let folding: boolean | undefined;
  const folds = (): boolean => (folding ??= foldsNames(stateDir));
  const keep = (paths: readonly RelPath[]): Promise<void> =>
    keepUnsaved(paths, { root, cache, facts, algorithm, emit });
  const restorer = createRestorer({ root, stateDir, cache, facts, journal, keep, folds });
  const record = (stage: string, result: StageLock): Promise<void> => {
    recorder.setStage(stage, result, { before: [runs.save(result)] });
    return recorder.flush();
  };
  return {
    world: createDiskWorld({ ...options, restorer, keep, random: Math.random }),
    restorer,
    recover: () => recoverAttempts({ stateDir, journal, clock, emit, record }),
  };
}
