import { join } from 'node:path';
import type { Emit } from '../base/event.ts';
import type { DataInput, HashAlgorithm, RelPath } from '../base/types.ts';
import type { Selection } from '../plan/plan.ts';
import { DATA, noteStood, pathOfStood } from '../record/stood.ts';
import { createObserver } from '../store/observe.ts';
import { createCopies, takeIn } from '../store/take-in.ts';
import type { Copies } from '../store/take-in.ts';
import { newData, refuseForks, refuseLostData, staleData } from './data.ts';
import type { DataFacts } from './data.ts';
import { hasArtifact } from './facts.ts';
import { partOf, readIncomplete } from './incomplete.ts';
import type { Restorer } from './restore.ts';
import { refuseLinkAbove } from './staging.ts';

export interface DataOptions extends DataFacts {
  readonly root: string;
  readonly stateDir: string;
  readonly algorithm: HashAlgorithm;
  readonly restorer: Restorer;
  readonly emit: Emit;
  /** What is here is recorded, also where the lock has moved since. */
  readonly asItIs?: boolean;
}

/**
 * Records tracked inputs: what was edited is cached and recorded; what is gone, or has been left behind by the lock, comes back by
 * its hash. What is gone for good, or here only in part by intent, stays recorded as it was. Throws `data.missing` when a selected
 * stage reads what is gone, `out.linked` for what lies behind a link.
 */
export async function syncData(options: DataOptions, selection: Selection): Promise<void> {
  const { facts, recorder, pipeline, cache, stateDir } = options;
  const unrecorded = newData(options).map(({ path }) => path);
  const copies = unrecorded.length > 0 ? createCopies(cache) : undefined;
  try {
    if (unrecorded.length > 0) await lookAtNew(unrecorded, copies, options);
    await facts.lookOnce(pipeline.data.map((input) => input.path));
    const stale = staleData(options);
    if (stale.length > 0) await bringUpToDate(options, { stale, selection });
    else noteStood(pathOfStood(stateDir), recorder.data());
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
  const restored = new Set<RelPath>();
  /** A part is never taken for the whole, not even as it is. */
  const parts = new Set(readIncomplete(root).map(({ path }) => path));
  /** Those that stay as they are. */
  const left = new Set<RelPath>();
  for (const input of stale) {
    const here = facts.observed(input.path);
    if (here.kind === 'refused') throw here.error;
    const artifact = recorded.get(input.path);
    const isKept = isAsItIs && !parts.has(input.path);
    if (here.kind === 'missing' || (!isKept && facts.isBehind(input.path))) {
      if (!artifact || !hasArtifact(cache, artifact)) {
        left.add(input.path);
        continue;
      }
      await restorer.restore(DATA, [{ artifact, sharing: 'own' }]);
      restored.add(input.path);
      const replaced = here.kind === 'missing' ? undefined : here.artifact.hash;
      emit({
        type: 'data-restored',
        path: input.path,
        hash: artifact.hash,
        ...(replaced !== undefined && { replaced }),
      });
      continue;
    }
    if (partOf(root, facts, artifact)) {
      left.add(input.path);
      continue;
    }
    const home = join(root, input.path);
    // What lies behind a link could be recorded, but never restored.
    refuseLinkAbove({ path: input.path, home }, input.at);
    // Data belongs to the user: it never becomes one inode with its object.
    await takeIn(cache, [{ path: home, here, sharing: 'own' }]);
    facts.noteOuts([here.artifact]);
    recorded.set(input.path, here.artifact);
    emit({ type: 'data-recorded', path: input.path, hash: here.artifact.hash });
  }
  // Stages may read single files of them, or folders that they are in.
  facts.forgetNear(restored);
  const all = [...recorded.values()];
  const standing = all.filter(({ path }) => !left.has(path));
  // Not before the lock says so: until then it is an edit.
  recorder.setData(all, { after: () => noteStood(pathOfStood(stateDir), standing) });
}

/** Of what was never recorded the cache will lack most: it is copied while it is read for the first time. */
async function lookAtNew(
  paths: readonly RelPath[],
  keeper: Copies | undefined,
  { root, cache, algorithm, facts }: DataOptions,
): Promise<void> {
  // Threads are for those who have something to read.
  using crew = (await import('../io/crew.ts')).createCrew();
  const observer = createObserver({ root, memo: cache.memo, algorithm, clock: cache.clock, crew, keeper });
  facts.noteSeen(await observer.observe(paths.map((path) => ({ path, links: 'refuse' }))));
}
