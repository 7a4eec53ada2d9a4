import { join } from 'node:path';
import { PipelineError } from '../../base/error.ts';
import { plural } from '../../base/text.ts';
import type { Lock, Pipeline } from '../../base/types.ts';
import type { Place } from '../../ground.ts';
import { readIfExists } from '../../io/files.ts';
import { readPipeline } from '../../read/pipeline.ts';
import { LOCKFILE, parseLock } from '../../record/lockfile.ts';
import type { Check } from './check.ts';
import { failedCheck } from './check.ts';

/** What the files of a project say, as far as they can be read. */
export interface ProjectFiles {
  readonly pipeline: Pipeline | undefined;
  readonly lock: Lock | undefined;
}

/** Reads pipeline.yaml and pipeline.lock anew; what cannot be read is told, and the other checks go on without it. */
export async function* readFiles({ root, folder }: Place): AsyncGenerator<Check, ProjectFiles> {
  return { pipeline: yield* readPipelineFile(root), lock: yield* readLockFile(root, folder) };
}

function* readPipelineFile(root: string): Generator<Check, Pipeline | undefined> {
  try {
    const { pipeline, problems } = readPipeline({ load: (path) => readIfExists(join(root, path)) });
    if (problems.length > 0) {
      const cure = '"lockstep status" shows each problem with its place';
      yield failedCheck('pipeline', PipelineError.of(problems), cure);
    } else
      yield {
        check: 'pipeline',
        status: 'ok',
        message: `"${pipeline?.name}" with ${plural(pipeline?.stages.length ?? 0, 'stage')} (${root})`,
      };
    return pipeline;
  } catch (error) {
    yield failedCheck('pipeline', error);
    return undefined;
  }
}

async function* readLockFile(root: string, folder: string): AsyncGenerator<Check, Lock | undefined> {
  try {
    const bytes = readIfExists(join(root, LOCKFILE));
    if (bytes === undefined) {
      yield { check: 'lock', status: 'ok', message: `no ${LOCKFILE} yet: nothing has run` };
      return undefined;
    }
    const lock = await parseLock(bytes.toString('utf8'), folder);
    yield { check: 'lock', status: 'ok', message: plural(lock.stages.size, 'recorded stage') };
    return lock;
  } catch (error) {
    yield failedCheck('lock', error);
    return undefined;
  }
}
