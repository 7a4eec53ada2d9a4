import type { RelPath, StageLock } from '../base/types.ts';
import { foldsNames } from '../io/folding.ts';
import { createLauncher } from '../io/launcher.ts';
import { ownerMark } from '../io/process-id.ts';
import { MARK, RUNNER } from '../io/process.ts';
import { keepYoungHeapSmall } from '../io/young-heap.ts';
import { redactorOf } from './attempt-inputs.ts';
import { createDiskWorld } from './disk-world.ts';
import type { DiskWorldOptions } from './disk-world.ts';
import { keepUnsaved } from './keep.ts';
import { recoverAttempts } from './recover.ts';
import { createRestorer } from './restore.ts';
import type { Restorer } from './restore.ts';
import { LIBRARIES } from './stage-env.ts';
import { closeStaging, stagingLeft } from './staging.ts';
import type { Laid } from './staging.ts';
import type { World } from './world.ts';

/** What changes a project: loaded by commands that do, and not by those that only look. */
export interface Workbench {
  readonly world: World;
  readonly restorer: Restorer;
  /** Cleans up after runners that died. */
  recover(): Promise<void>;
  /** Gets ready to start stage processes. */
  warmUp(): void;
  close(): void;
}

export interface WorkbenchOptions extends Omit<
  DiskWorldOptions,
  'restorer' | 'keep' | 'close' | 'launcher' | 'redactor'
> {
  /** The file that the launcher's process runs. */
  readonly launcherEntry: string;
}

export function createWorkbench(options: WorkbenchOptions): Workbench {
  const { stateDir, runs, recorder, journal, emit } = options;
  keepYoungHeapSmall();
  let folding: boolean | undefined;
  const folds = (): boolean => (folding ??= foldsNames(stateDir));
  const keep = (paths: readonly RelPath[]): Promise<void> => keepUnsaved(paths, options);
  const close = (staging: Pick<Laid, 'id' | 'folders'>): void => {
    for (const left of closeStaging(staging)) {
      journal.spoil(staging.id);
      emit({ type: 'warned', problem: stagingLeft(left, options) });
    }
  };
  const restorer = createRestorer({ ...options, keep, close, folds });
  const record = (stage: string, result: StageLock): Promise<void> => {
    runs.save(result);
    recorder.setStage(stage, result);
    return recorder.flush();
  };
  const redactor = redactorOf(options.pipeline.stages, options.env);
  const launcher = createLauncher({ entry: options.launcherEntry, env: launcherEnv(options.env) });
  return {
    world: createDiskWorld({ ...options, redactor, restorer, keep, close, launcher }),
    restorer,
    recover: () => recoverAttempts({ ...options, record, close }),
    warmUp: () => launcher.warmUp(),
    close() {
      launcher.close();
      journal.close();
    },
  };
}

/** Where Node finds its libraries and compiled code, whose the launcher is, and whose attempt a runner inside a stage belongs to. */
function launcherEnv(env: DiskWorldOptions['env']): Record<string, string> {
  const names = ['HOME', 'TMPDIR', ...LIBRARIES, 'NODE_COMPILE_CACHE', 'NODE_DISABLE_COMPILE_CACHE', MARK];
  const known = names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]));
  return Object.fromEntries([...known, [RUNNER, ownerMark()]]);
}
