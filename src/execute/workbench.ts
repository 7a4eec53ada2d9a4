import type { RelPath, StageLock } from '../base/types.ts';
import { foldsNames } from '../io/folding.ts';
import { createDiskWorld } from './disk-world.ts';
import type { DiskWorldOptions } from './disk-world.ts';
import { keepUnsaved } from './keep.ts';
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

export type WorkbenchOptions = Omit<DiskWorldOptions, 'restorer' | 'keep' | 'random'>;

export function createWorkbench(options: WorkbenchOptions): Workbench {
  const { root, stateDir, cache, runs, facts, recorder, journal, clock, emit } = options;
  let folding: boolean | undefined;
  const folds = (): boolean => (folding ??= foldsNames(stateDir));
  const keep = (paths: readonly RelPath[]): Promise<void> => keepUnsaved(paths, { root, cache, facts, emit });
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
