import { join } from 'node:path';
import { EXIT, PipelineError } from '../base/error.ts';
import type { Emit } from '../base/event.ts';
import type { Artifact, DataInput, HashAlgorithm, Pipeline } from '../base/types.ts';
import type { Cache } from '../store/cache.ts';
import { takeIn } from '../store/take-in.ts';
import { hasArtifact } from './facts.ts';
import type { DiskFacts } from './facts.ts';
import { refuseIncomplete } from './incomplete.ts';
import type { Recorder } from './recorder.ts';
import type { Restorer } from './restore.ts';

export interface DataOptions {
  readonly root: string;
  readonly pipeline: Pipeline;
  readonly facts: DiskFacts;
  readonly cache: Cache;
  readonly recorder: Recorder;
  readonly algorithm: HashAlgorithm;
  readonly restorer: Restorer;
  readonly emit: Emit;
}

/** Tracked inputs whose content is not what is recorded: changed, new, or gone. The facts must have looked at them. */
export function staleData({
  pipeline,
  facts,
  recorder,
}: Pick<DataOptions, 'pipeline' | 'facts' | 'recorder'>): readonly DataInput[] {
  const recorded = new Map(recorder.data().map((artifact) => [artifact.path, artifact]));
  return pipeline.data.filter(({ path }) => {
    const here = facts.observed(path);
    return (
      here.kind === 'missing' || here.kind === 'refused' || here.artifact.hash !== recorded.get(path)?.hash
    );
  });
}

/**
 * Records tracked inputs: what changed is cached and recorded, what is gone comes back by its hash. Throws
 * `data.missing` when the cache does not have it.
 */
export async function syncData(options: DataOptions): Promise<void> {
  const { facts, recorder, emit } = options;
  await facts.lookOnce(options.pipeline.data.map((input) => input.path));
  const stale = staleData(options);
  if (stale.length === 0) return;
  const recorded = new Map(recorder.data().map((artifact) => [artifact.path, artifact]));
  for (const input of stale) {
    const here = facts.observed(input.path);
    if (here.kind === 'refused') throw here.error;
    if (here.kind === 'missing') {
      await bringBack(input, recorded.get(input.path), options);
      continue;
    }
    refuseIncomplete(options.root, { facts, locked: recorded.get(input.path) });
    await saveData(input, options);
    recorded.set(input.path, here.artifact);
    emit({ type: 'data-recorded', path: input.path, hash: here.artifact.hash });
  }
  recorder.setData([...recorded.values()]);
}

async function bringBack(
  input: DataInput,
  artifact: Artifact | undefined,
  options: DataOptions,
): Promise<void> {
  if (!artifact || !hasArtifact(options.cache, artifact)) {
    throw new PipelineError(
      'data.missing',
      `the tracked input "${input.path}" is neither here nor in the cache`,
      {
        exit: EXIT.user,
        at: input.at,
        hint: artifact ? 'run "lockstep pull"' : 'put the file there, or take it out of data:',
      },
    );
  }
  await options.restorer.restore('data', [{ artifact, sharing: 'own' }]);
}

/** Data belongs to the user: it never becomes one inode with its object. */
async function saveData(input: DataInput, { facts, cache, root }: DataOptions): Promise<void> {
  const here = facts.observed(input.path);
  if (here.kind === 'file' || here.kind === 'tree')
    await takeIn(cache, [{ path: join(root, input.path), here, sharing: 'own' }]);
}
