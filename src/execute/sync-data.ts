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
import { lostData, newData, refuseForks, refuseLost, staleData } from './data.ts';
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
  const { facts, pipeline, cache } = options;
  const unrecorded = asked(newData(options), options).map(({ path }) => path);
  const copies = unrecorded.length > 0 ? createCopies(cache) : undefined;
  try {
    if (unrecorded.length > 0) await lookAtNew(unrecorded, copies, options);
    await facts.lookOnce(pipeline.data.map((input) => input.path));
    await bringUpToDate(options, selection);
  } finally {
    copies?.drop();
  }
}

function asked(inputs: readonly DataInput[], { only }: DataOptions): readonly DataInput[] {
  return inputs.filter(({ path }) => only?.has(path) !== false);
}

async function bringUpToDate(options: DataOptions, selection: Selection): Promise<void> {
  const { root, stateDir, cache, facts, recorder, restorer, emit, asItIs = false } = options;
  const stale = staleData(options);
  if (stale.length === 0) noteStood(stateDir, recorder.data());
  if (asked(stale, options).length === 0) return;
  if (!asItIs) refuseForks(options);
  const judging = { ...options, ...(asItIs && { facts: { ...facts, isBehind: () => false } }) };
  refuseLost(asked(lostData(judging, selection), options), judging);
  const { gone, edited } = sortOut(asked(stale, options), options);
  for (const batch of inBatches(gone)) {
    try {
      await restorer.restore(DATA, batch);
    } catch (error) {
      if (!isLost(error) || batch.every(({ artifact }) => hasArtifact(cache, artifact))) throw error;
      // Damage that was found has left the cache: what is gone for good is judged as such.
      return bringUpToDate(options, selection);
    }
    // Stages may read single files of them, or folders that they are in.
    facts.forgetNear(new Set(batch.map(({ artifact }) => artifact.path)));
    for (const one of batch) emit(restoredEvent(one));
  }
  await takeIn(cache, edited);
  const taken = edited.map(({ here }) => here.artifact);
  forgetIncomplete(root, taken);
  facts.noteOuts(taken);
  for (const { path, hash } of taken) emit({ type: 'data-recorded', path, hash });
  const all = [
    ...new Map([...recorder.data(), ...taken].map((artifact) => [artifact.path, artifact])).values(),
  ];
  const done = new Set([...gone.map(({ artifact }) => artifact), ...taken].map(({ path }) => path));
  const left = new Set(stale.map(({ path }) => path)).difference(done);
  const standing = all.filter(({ path }) => !left.has(path));
  // Not before the lock says so: until then it is an edit.
  recorder.setData(all, { after: () => noteStood(stateDir, standing) });
}

/** What is to come back and what to be recorded; the others stay as they are. */
function sortOut(
  stale: readonly DataInput[],
  { root, cache, facts, recorder, asItIs = false }: DataOptions,
): { readonly gone: readonly Gone[]; readonly edited: readonly ToTakeIn[] } {
  /** A part is never taken for the whole, not even as it is. */
  const parts = new Set(readIncomplete(root).map(({ path }) => path));
  const gone: Gone[] = [];
  const edited: ToTakeIn[] = [];
  for (const { path, at } of stale) {
    const here = facts.observed(path);
    if (here.kind === 'refused') {
      const [problem] = here.error.problems;
      throw PipelineError.of([{ ...problem, at: [at] }], here.error.exit);
    }
    const artifact = recorder.dataOf(path);
    const isKept = asItIs && !parts.has(path);
    if (here.kind === 'missing' || (!isKept && facts.isBehind(path))) {
      if (artifact && hasArtifact(cache, artifact))
        gone.push({ owner: DATA, artifact, sharing: 'own', here });
      continue;
    }
    if (partOf(root, facts, artifact)) continue;
    const home = join(root, path);
    // What lies behind a link could be recorded, but never restored.
    refuseLinkAbove({ path, home }, at);
    // Data belongs to the user: it never becomes one inode with its object.
    edited.push({ path: home, here, sharing: 'own' });
  }
  return { gone, edited };
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
  { root, cache, pipeline, facts, signal }: DataOptions,
): Promise<void> {
  // Threads are for those who have something to read.
  using crew = (await import('../io/crew.ts')).createCrew({ signal });
  const observer = createObserver({ root, cache, algorithm: pipeline.hash, crew, keeper, signal });
  facts.noteSeen(await observer.observe(paths.map((path) => facts.requestOf(path))));
}
