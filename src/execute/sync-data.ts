import { join } from 'node:path';
import { PipelineError } from '../base/error.ts';
import type { EventBody } from '../base/event.ts';
import type { DataInput, RelPath } from '../base/types.ts';
import type { Selection } from '../plan/plan.ts';
import { DATA, noteStood } from '../record/stood.ts';
import { createObserver } from '../store/observe.ts';
import type { Observation } from '../store/observe.ts';
import { createCopies, takeIn } from '../store/take-in.ts';
import type { Copies, ToTakeIn } from '../store/take-in.ts';
import { isLost } from './checkout.ts';
import { newData, refuseForks, refuseLostData, staleData } from './data.ts';
import { hasArtifact } from './facts.ts';
import { forgetIncomplete, partOf, readIncomplete } from './incomplete.ts';
import type { OpenProject } from './open-project.ts';
import { inBatches } from './restore.ts';
import type { Restorer, ToRestore } from './restore.ts';
import { refuseLinkAbove } from './folder-above.ts';

export interface DataOptions extends OpenProject {
  readonly restorer: Restorer;
  /** What is here is recorded, also where the lock has moved since. */
  readonly asItIs?: boolean;
  /** Nothing becomes of other inputs than these. */
  readonly only?: ReadonlySet<string>;
}

/**
 * Records tracked inputs: what was edited is cached and recorded; what is gone, or has been left behind by the lock, comes back by
 * its hash. What is gone for good, or here only in part by intent, stays recorded as it was. Throws `data.missing` when a selected
 * stage reads what is gone, `out.linked` for what lies behind a link.
 */
export async function syncData(options: DataOptions, selection: Selection): Promise<void> {
  const { facts, recorder, pipeline, cache, stateDir } = options;
  const isAsked = ({ path }: DataInput): boolean => options.only?.has(path) !== false;
  const unrecorded = newData(options)
    .filter(isAsked)
    .map(({ path }) => path);
  const copies = unrecorded.length > 0 ? createCopies(cache) : undefined;
  try {
    if (unrecorded.length > 0) await lookAtNew(unrecorded, copies, options);
    await facts.lookOnce(pipeline.data.map((input) => input.path));
    const stale = staleData(options);
    const asked = stale.filter(isAsked);
    if (asked.length > 0) await bringUpToDate(options, { stale: asked, selection });
    else if (stale.length === 0) noteStood(stateDir, recorder.data());
  } catch (error) {
    copies?.drop();
    throw error;
  }
}

async function bringUpToDate(
  options: DataOptions,
  { stale, selection }: { readonly stale: readonly DataInput[]; readonly selection: Selection },
): Promise<void> {
  const { root, stateDir, cache, facts, recorder, restorer, emit } = options;
  const isAsItIs = options.asItIs === true;
  if (!isAsItIs) refuseForks(options);
  refuseLostData({ ...options, ...(isAsItIs && { facts: { ...facts, isBehind: () => false } }) }, selection);
  const recorded = new Map(recorder.data().map((artifact) => [artifact.path, artifact]));
  /** A part is never taken for the whole, not even as it is. */
  const parts = new Set(readIncomplete(root).map(({ path }) => path));
  /** Those that stay as they are. */
  const left = new Set(staleData(options).map(({ path }) => path));
  for (const { path } of stale) left.delete(path);
  const gone: Gone[] = [];
  const edited: ToTakeIn[] = [];
  for (const input of stale) {
    const here = facts.observed(input.path);
    if (here.kind === 'refused') {
      const [problem] = here.error.problems;
      throw PipelineError.of([{ ...problem, at: [input.at] }], here.error.exit);
    }
    const artifact = recorded.get(input.path);
    const isKept = isAsItIs && !parts.has(input.path);
    if (here.kind === 'missing' || (!isKept && facts.isBehind(input.path))) {
      if (artifact && hasArtifact(cache, artifact))
        gone.push({ owner: DATA, artifact, sharing: 'own', here });
      else left.add(input.path);
      continue;
    }
    if (partOf(root, facts, artifact)) {
      left.add(input.path);
      continue;
    }
    const path = join(root, input.path);
    // What lies behind a link could be recorded, but never restored.
    refuseLinkAbove({ path: input.path, home: path }, input.at);
    // Data belongs to the user: it never becomes one inode with its object.
    edited.push({ path, here, sharing: 'own' });
  }
  for (const batch of inBatches(gone)) {
    try {
      await restorer.restore(DATA, batch);
    } catch (error) {
      if (!isLost(error) || batch.every(({ artifact }) => hasArtifact(cache, artifact))) throw error;
      // Damage that was found has left the cache: what is gone for good is judged as such.
      const rest = staleData(options).filter(({ path }) => !left.has(path));
      return bringUpToDate(options, { stale: rest, selection });
    }
    // Stages may read single files of them, or folders that they are in.
    facts.forgetNear(new Set(batch.map(({ artifact }) => artifact.path)));
    for (const one of batch) emit(restoredEvent(one));
  }
  await takeIn(cache, edited);
  const taken = edited.map(({ here }) => here.artifact);
  forgetIncomplete(root, taken);
  for (const artifact of taken) {
    facts.noteOuts([artifact]);
    recorded.set(artifact.path, artifact);
    emit({ type: 'data-recorded', path: artifact.path, hash: artifact.hash });
  }
  const all = [...recorded.values()];
  const standing = all.filter(({ path }) => !left.has(path));
  // Not before the lock says so: until then it is an edit.
  recorder.setData(all, { after: () => noteStood(stateDir, standing) });
}

interface Gone extends ToRestore {
  readonly owner: typeof DATA;
  /** What stands at its place. */
  readonly here: Observation;
}

function restoredEvent({ artifact: { path, hash }, here }: Gone): EventBody {
  const isThere = here.kind === 'file' || here.kind === 'tree';
  return { type: 'data-restored', path, hash, ...(isThere && { replaced: here.artifact.hash }) };
}

/** Of what was never recorded the cache will lack most: it is copied while it is read for the first time. */
async function lookAtNew(
  paths: readonly RelPath[],
  keeper: Copies | undefined,
  { root, cache, pipeline, facts }: DataOptions,
): Promise<void> {
  // Threads are for those who have something to read.
  using crew = (await import('../io/crew.ts')).createCrew();
  const { memo, clock } = cache;
  const observer = createObserver({ root, memo, algorithm: pipeline.hash, clock, crew, keeper });
  facts.noteSeen(await observer.observe(paths.map((path) => ({ path, links: 'refuse' }))));
}
