import { join } from 'node:path';
import { EXIT, PipelineError } from '../base/error.ts';
import type { Emit } from '../base/event.ts';
import type { Artifact, DataInput, HashAlgorithm, Pipeline } from '../base/types.ts';
import type { Cache } from '../store/cache.ts';
import { createObserver } from '../store/observe.ts';
import { createCopies, takeIn } from '../store/take-in.ts';
import type { Copies } from '../store/take-in.ts';
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

/** Tracked inputs that were never recorded. */
export function newData({
  pipeline,
  recorder,
}: Pick<DataOptions, 'pipeline' | 'recorder'>): readonly DataInput[] {
  const recorded = new Set<string>(recorder.data().map(({ path }) => path));
  return pipeline.data.filter(({ path }) => !recorded.has(path));
}

/**
 * Records tracked inputs: what changed is cached and recorded, what is gone comes back by its hash. Throws
 * `data.missing` when the cache does not have it.
 */
export async function syncData(options: DataOptions): Promise<void> {
  const copies = newData(options).length > 0 ? createCopies(options.cache) : undefined;
  try {
    await recordData(options, copies);
  } catch (error) {
    copies?.drop();
    throw error;
  }
}

async function recordData(options: DataOptions, copies: Copies | undefined): Promise<void> {
  const { facts, recorder, emit } = options;
  await lookAtNew(options, copies);
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
    facts.noteOuts([here.artifact]);
    recorded.set(input.path, here.artifact);
    emit({ type: 'data-recorded', path: input.path, hash: here.artifact.hash });
  }
  recorder.setData([...recorded.values()]);
}

/** Of what was never recorded the cache will lack most: it is copied while it is read for the first time. */
async function lookAtNew(options: DataOptions, keeper: Copies | undefined): Promise<void> {
  const { root, cache, algorithm, facts } = options;
  const paths = newData(options).map(({ path }) => path);
  if (paths.length === 0) return;
  // Threads are for those who have something to read.
  using crew = (await import('../io/crew.ts')).createCrew();
  const observer = createObserver({ root, memo: cache.memo, algorithm, clock: cache.clock, crew, keeper });
  facts.noteSeen(await observer.observe(paths.map((path) => ({ path, links: 'refuse' }))));
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
