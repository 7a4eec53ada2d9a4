import { PipelineError } from '../base/error.ts';
import type { Problem } from '../base/error.ts';
import { algorithmOf } from '../base/hash.ts';
import type { Artifact, Out, Pipeline, RelPath } from '../base/types.ts';
import type { Graph } from '../plan/graph.ts';
import { DATA } from '../record/stood.ts';
import { HAVE_AGAIN } from '../store/cache.ts';
import { createObserver } from '../store/observe.ts';
import { isAsRecorded } from './facts.ts';
import type { OpenProject } from './open-project.ts';
import type { Recorder } from './recorder.ts';
import { inBatches } from './restore.ts';
import type { Restorer, ToRestore } from './restore.ts';

export interface CheckoutOptions extends Pick<
  OpenProject,
  'root' | 'pipeline' | 'graph' | 'facts' | 'cache' | 'recorder'
> {
  readonly restorer: Restorer;
  /** Only these paths; all when absent. */
  readonly only?: ReadonlySet<RelPath>;
}

export interface CheckoutResult {
  readonly made: readonly Artifact[];
  readonly unchanged: number;
  /** What could not be made, and why: the cache does not have it, or its place is refused. */
  readonly missing: readonly { readonly path: RelPath; readonly problems: readonly Problem[] }[];
}

/** An artifact of the lock, and how its files may be linked. Only paths of the current pipeline are ever written. */
export interface LockedArtifact extends ToRestore {
  readonly owner: string;
  readonly push: boolean;
  /** `cache: false`: git keeps it, so neither cache nor remote must have it. */
  readonly inGit: boolean;
  readonly remote?: string;
}

/** What is told of outs of several stages, should this be cut off, instead of a stage. */
const OF_SEVERAL = 'checkout';

/** True for an out that may become one inode with its object. */
export function isShared({ cache, persist }: Out): boolean {
  return cache && !persist;
}

/** Everything the lock names that the present pipeline still declares: outs of its stages, and its data. */
export function lockedArtifacts(pipeline: Pipeline, recorder: Recorder): readonly LockedArtifact[] {
  const found: LockedArtifact[] = [];
  for (const stage of pipeline.stages) {
    const outs = new Map(stage.outs.map((out) => [out.path, out]));
    for (const artifact of recorder.lockOf(stage.name)?.outs ?? []) {
      const out = outs.get(artifact.path);
      if (!out) continue;
      found.push({
        artifact,
        sharing: isShared(out) ? 'share' : 'own',
        owner: stage.name,
        push: out.push,
        inGit: !out.cache,
        ...(out.remote !== undefined && { remote: out.remote }),
      });
    }
  }
  const inputs = new Map(pipeline.data.map((input) => [input.path, input]));
  for (const artifact of recorder.data()) {
    const input = inputs.get(artifact.path);
    if (input)
      found.push({
        artifact,
        sharing: 'own',
        owner: DATA,
        inGit: false,
        push: input.push,
        ...(input.remote !== undefined && { remote: input.remote }),
      });
  }
  return found;
}

/**
 * Makes the workspace equal to the lock. What stands in the way and is recorded nowhere is kept in the cache first;
 * what the cache cannot give is told, and the rest is made all the same.
 */
export async function checkout(options: CheckoutOptions): Promise<CheckoutResult> {
  const { facts, restorer } = options;
  const wanted = wantedArtifacts(options);
  const differing = await findDiffering(wanted, { ...options, look: (paths) => facts.lookOnce(paths) });
  const made: Artifact[] = [];
  const missing: CheckoutResult['missing'][number][] = [];
  const make = async (items: readonly LockedArtifact[]): Promise<void> => {
    const [first, ...others] = items;
    if (!first) return;
    try {
      const isOfOne = others.every(({ owner }) => owner === first.owner);
      await restorer.restore(isOfOne ? first.owner : OF_SEVERAL, items);
      for (const { artifact } of items) made.push(artifact);
    } catch (error) {
      if (!(error instanceof PipelineError) || !concernsOneArtifact(error)) throw error;
      const { path } = first.artifact;
      if (others.length > 0) for (const one of items) await make([one]);
      else
        missing.push({ path, problems: isLost(error) ? [notCached(first, options.graph)] : error.problems });
    }
  };
  for (const batch of inBatches(differing)) await make(batch);
  return { made, unchanged: wanted.length - differing.length, missing };
}

/** What does not stand as it is recorded; what was recorded before `hash:` was switched is looked at by its own algorithm. */
export async function findDiffering(
  wanted: readonly LockedArtifact[],
  { root, pipeline, facts, cache, look }: Looking,
): Promise<readonly LockedArtifact[]> {
  const groups = Map.groupBy(wanted, ({ artifact }) => algorithmOf(artifact.hash) === pipeline.hash);
  const [ours, others] = [groups.get(true) ?? [], groups.get(false) ?? []];
  await look(ours.map(({ artifact }) => artifact.path));
  const inPlace = new Set(
    ours.filter(({ artifact }) => isAsRecorded(facts.observed(artifact.path), artifact)),
  );
  const [other] = others;
  if (other) {
    const algorithm = algorithmOf(other.artifact.hash);
    const observer = createObserver({ root, cache, algorithm });
    const seen = await observer.observe(
      others.map(({ artifact: { path, exec = false } }) => ({ path, links: 'refuse', exec })),
    );
    for (const one of others) if (isAsRecorded(seen.get(one.artifact.path), one.artifact)) inPlace.add(one);
  }
  return wanted.filter((one) => !inPlace.has(one));
}

interface Looking extends Pick<CheckoutOptions, 'root' | 'pipeline' | 'facts' | 'cache'> {
  readonly look: (paths: readonly RelPath[]) => Promise<void>;
}

/** What the lock names of the paths that are wanted. */
export function wantedArtifacts({
  pipeline,
  recorder,
  only,
}: Pick<CheckoutOptions, 'pipeline' | 'recorder' | 'only'>): readonly LockedArtifact[] {
  return lockedArtifacts(pipeline, recorder).filter(
    ({ artifact }) => only === undefined || only.has(artifact.path),
  );
}

/** The cache does not have what was to be restored; what was found damaged has left it. */
export function isLost(error: unknown): boolean {
  return error instanceof PipelineError && /^(object|manifest)\./.test(error.code);
}

/** Something stands at the place, or above it, that no out may replace. */
const BLOCKED: readonly string[] = ['out.linked', 'out.blocked'];

/** Its bytes cannot be had, or what stands at its place is refused; other artifacts can still be made. */
function concernsOneArtifact(error: PipelineError): boolean {
  return isLost(error) || BLOCKED.includes(error.code) || error.code.startsWith('path.');
}

/** True for an out that "lockstep repro" can make again. */
export function canMake(graph: Graph, path: RelPath): boolean {
  return graph.ownerOf(path)?.policy.frozen === false;
}

function notCached({ artifact, push }: LockedArtifact, graph: Graph): Problem {
  const isMade = canMake(graph, artifact.path);
  const pulled = isMade ? HAVE_AGAIN : 'run "lockstep pull", or bring it back from a backup';
  const copied = `copy it from the machine that has it ("push: false")${isMade ? ', or run "lockstep repro" to make it again' : ''}`;
  return {
    code: 'object.missing',
    message: `the cache does not have all of "${artifact.path}"`,
    hint: push ? pulled : copied,
  };
}
