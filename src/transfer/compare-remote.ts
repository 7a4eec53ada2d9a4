import { lstatSync } from 'node:fs';
import type { Remote } from '../base/remote.ts';
import type { Artifact, ContentHash } from '../base/types.ts';
import type { OpenProject } from '../execute/open-project.ts';
import { collectObjects, findPresent } from './transfer-plan.ts';

/** Where objects of an artifact are. An artifact may be in several states: some of its objects here, some there. */
export type Whereabouts = 'only-here' | 'only-there' | 'nowhere';

/** An artifact that is not whole on both sides, in one of its states. */
export interface Difference {
  readonly path: string;
  readonly state: Whereabouts;
  /** Its objects in that state, the manifest of a folder included. */
  readonly objects: number;
}

export interface Comparison {
  /** Objects of all artifacts, as far as they are known, each counted once. */
  readonly objects: number;
  /** In the order of the artifacts; none when both sides have everything. */
  readonly differences: readonly Difference[];
}

export interface CompareOptions extends Pick<OpenProject, 'cache' | 'signal'> {
  readonly remote: Remote;
  readonly artifacts: readonly Artifact[];
}

const STATES: readonly Whereabouts[] = ['only-here', 'only-there', 'nowhere'];

/**
 * Compares the cache with a remote for what the lock names; one listing, nothing moves. Of a folder whose manifest is
 * not here only the manifest is known.
 */
export async function compareRemote({
  cache,
  remote,
  artifacts,
  signal,
}: CompareOptions): Promise<Comparison> {
  const { objects } = collectObjects(cache, artifacts);
  const partsOf = (artifact: Artifact): readonly ContentHash[] => [
    ...new Set([artifact.hash, ...(objects.trees.get(artifact.hash) ?? [])]),
  ];
  const all = new Set(artifacts.flatMap(partsOf));
  const present = await findPresent(remote, all, signal);
  const stateOf = (hash: ContentHash): Whereabouts | 'both' => {
    const there = present.get(hash);
    const here = lstatSync(cache.pathOf(hash), { throwIfNoEntry: false })?.size;
    if (here === undefined) return there === undefined ? 'nowhere' : 'only-there';
    // What was cut off when it was stored is not there: a push sends it again.
    return there === here ? 'both' : 'only-here';
  };
  const differences = artifacts.flatMap((artifact): readonly Difference[] => {
    const states = partsOf(artifact).map(stateOf);
    return STATES.flatMap((state) => {
      const count = states.filter((one) => one === state).length;
      return count === 0 ? [] : [{ path: artifact.path, state, objects: count }];
    });
  });
  return { objects: all.size, differences };
}
