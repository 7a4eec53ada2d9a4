import { join } from 'node:path';
import { PipelineError } from '../base/error.ts';
import type { Emit } from '../base/event.ts';
import { isInside } from '../base/path.ts';
import { shellPath } from '../base/text.ts';
import type { DataInput, HashAlgorithm, Pipeline, RelPath } from '../base/types.ts';
import type { Selection } from '../plan/plan.ts';
import { noteStood, pathOfStood } from '../record/stood.ts';
import type { Cache } from '../store/cache.ts';
import { createObserver } from '../store/observe.ts';
import { createCopies, takeIn } from '../store/take-in.ts';
import type { Copies } from '../store/take-in.ts';
import { hasArtifact } from './facts.ts';
import type { DiskFacts } from './facts.ts';
import { partOf } from './incomplete.ts';
import type { Recorder } from './recorder.ts';
import { DATA } from './restore.ts';
import type { Restorer } from './restore.ts';
import { refuseLinkAbove } from './staging.ts';

export interface DataOptions {
  readonly root: string;
  /** Where commands of hints are pasted, from the root. */
  readonly folder: string;
  readonly pipeline: Pipeline;
  readonly facts: DiskFacts;
  readonly cache: Cache;
  readonly recorder: Recorder;
  readonly algorithm: HashAlgorithm;
  readonly restorer: Restorer;
  readonly emit: Emit;
  readonly stateDir: string;
  /** What is here is recorded, also where the lock has moved since. */
  readonly asItIs?: boolean;
}

/** Tracked inputs that are not as they are recorded: changed, new, or gone. The facts must have looked at them. */
export function staleData({
  pipeline,
  facts,
  recorder,
}: Pick<DataOptions, 'pipeline' | 'facts' | 'recorder'>): readonly DataInput[] {
  const recorded = new Map(recorder.data().map((artifact) => [artifact.path, artifact]));
  return pipeline.data.filter(({ path }) => {
    const here = facts.observed(path);
    if (here.kind === 'missing' || here.kind === 'refused') return true;
    const { hash, exec } = here.artifact;
    const before = recorded.get(path);
    return hash !== before?.hash || exec !== before.exec;
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
 * Tracked inputs that selected stages read, wholly or in part, of which what the lock says is neither here nor in the cache.
 * Those that were edited are not among them.
 */
export function lostData(
  options: Pick<DataOptions, 'pipeline' | 'facts' | 'recorder' | 'cache'>,
  { stages }: Selection,
): readonly DataInput[] {
  const { pipeline, facts, cache } = options;
  const gone = staleData(options).filter(({ path }) => isAway(path, facts));
  if (gone.length === 0) return gone;
  const recorded = new Map(options.recorder.data().map((artifact) => [artifact.path, artifact]));
  const deps = pipeline.stages.filter(({ name }) => stages.has(name)).flatMap((stage) => stage.deps);
  return gone.filter(({ path }) => {
    const artifact = recorded.get(path);
    if (artifact && hasArtifact(cache, artifact)) return false;
    // What never was recorded is missed by everybody.
    return !artifact || deps.some((dep) => isInside(dep.path, path) || isInside(path, dep.path));
  });
}

/** Nothing is here, or what was there before the lock moved. */
function isAway(path: RelPath, facts: DiskFacts): boolean {
  return facts.observed(path).kind === 'missing' || facts.isBehind(path);
}

function lostHint({ path, push }: DataInput, isRecorded: boolean, folder: string): string {
  if (!isRecorded) return 'put the file there, or take it out of data:';
  if (push) return `run "lockstep pull ${shellPath(path, folder)}"`;
  return 'copy it from the machine that has it ("push: false")';
}

/** Throws `data.missing` for what `lostData` finds. */
export function refuseLostData(
  options: Parameters<typeof lostData>[0] & Pick<DataOptions, 'folder'>,
  selection: Selection,
): void {
  const recorded = new Set<string>(options.recorder.data().map(({ path }) => path));
  const problems = lostData(options, selection).map((input) => ({
    code: 'data.missing',
    message: options.facts.isBehind(input.path)
      ? `the tracked input "${input.path}" is as it was before pipeline.lock changed, and the cache lacks what that says`
      : `the tracked input "${input.path}" is neither here nor in the cache`,
    hint: lostHint(input, recorded.has(input.path), options.folder),
    at: [input.at],
  }));
  if (problems.length > 0) throw PipelineError.of(problems);
}

/**
 * Records tracked inputs: what was edited is cached and recorded; what is gone, or has been left behind by the lock, comes back by
 * its hash. What is gone for good, or here only in part by intent, stays recorded as it was; throws `data.missing` when a selected stage reads it and it is gone.
 */
export async function syncData(options: DataOptions, selection: Selection): Promise<void> {
  const copies = newData(options).length > 0 ? createCopies(options.cache) : undefined;
  try {
    await recordData(options, selection, copies);
  } catch (error) {
    copies?.drop();
    throw error;
  }
}

async function recordData(
  options: DataOptions,
  selection: Selection,
  copies: Copies | undefined,
): Promise<void> {
  const { facts, recorder } = options;
  await lookAtNew(options, copies);
  await facts.lookOnce(options.pipeline.data.map((input) => input.path));
  const stale = staleData(options);
  if (stale.length > 0) await bringUpToDate(options, { stale, selection });
  const left = new Set<string>(staleData(options).map(({ path }) => path));
  noteStood(
    pathOfStood(options.stateDir),
    recorder.data().filter(({ path }) => !left.has(path)),
  );
}

async function bringUpToDate(
  options: DataOptions,
  { stale, selection }: { readonly stale: readonly DataInput[]; readonly selection: Selection },
): Promise<void> {
  const { facts, recorder, emit } = options;
  if (!options.asItIs) refuseLostData(options, selection);
  const recorded = new Map(recorder.data().map((artifact) => [artifact.path, artifact]));
  const restored = new Set<RelPath>();
  for (const input of stale) {
    const here = facts.observed(input.path);
    if (here.kind === 'refused') throw here.error;
    const artifact = recorded.get(input.path);
    if (here.kind === 'missing' || (!options.asItIs && facts.isBehind(input.path))) {
      if (!artifact || !hasArtifact(options.cache, artifact)) continue;
      await options.restorer.restore(DATA, [{ artifact, sharing: 'own' }]);
      restored.add(input.path);
      emit({ type: 'data-restored', path: input.path, hash: artifact.hash });
      continue;
    }
    if (partOf(options.root, facts, artifact)) continue;
    await saveData(input, options);
    facts.noteOuts([here.artifact]);
    recorded.set(input.path, here.artifact);
    emit({ type: 'data-recorded', path: input.path, hash: here.artifact.hash });
  }
  // Stages may read single files of them, or folders that they are in.
  facts.forgetNear(restored);
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

/**
 * Data belongs to the user: it never becomes one inode with its object. Throws `out.linked` for what lies behind a link: it
 * could be recorded, but never restored.
 */
async function saveData(input: DataInput, { facts, cache, root }: DataOptions): Promise<void> {
  refuseLinkAbove({ path: input.path, home: join(root, input.path) }, input.at);
  const here = facts.observed(input.path);
  if (here.kind === 'file' || here.kind === 'tree')
    await takeIn(cache, [{ path: join(root, input.path), here, sharing: 'own' }]);
}
