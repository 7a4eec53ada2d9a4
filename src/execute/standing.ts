import { parentsOf } from '../base/path.ts';
import type { Artifact, ContentHash, RelPath } from '../base/types.ts';
import { markOf, readStood } from '../record/stood.ts';
import type { Stood } from '../record/stood.ts';
import type { Observation, ObservedTree } from '../store/observe.ts';
import { partOf, readIncomplete } from './incomplete.ts';
import type { OpenProject } from './open-project.ts';

export interface StandingOptions extends Pick<OpenProject, 'root' | 'stateDir' | 'cache' | 'recorder'> {
  /** Paths of the tracked inputs. */
  readonly data: ReadonlySet<RelPath>;
  readonly observed: (path: string) => Observation;
  /** The hash of what a directory has at a path below it. */
  readonly lookInside: (tree: Artifact, below: string) => ContentHash | undefined;
}

/** How tracked inputs stand to what the lock says of them. */
export interface Standing {
  /** What is recorded of a path at or in a tracked input of which nothing is here, or only files as they are recorded. */
  recordedHash(path: string): ContentHash | undefined;
  /** A tracked input is not what the lock says because the lock has moved since it was recorded, or brought here. */
  isBehind(path: RelPath): boolean;
  /** It was edited here, and the lock has moved as well. */
  isForked(path: RelPath): boolean;
  /** A path is, or lies in, a tracked directory whose list of files the cache has. */
  isListed(path: string): boolean;
}

export function createStanding(options: StandingOptions): Standing {
  const { root, stateDir, data, observed, cache, recorder, lookInside } = options;
  let stood: Stood | undefined;

  /** The tracked input that a path is, or lies in. */
  function recordedAround(path: string): Artifact | undefined {
    const input = [path, ...parentsOf(path)].find((one) => data.has(one as RelPath));
    return input === undefined ? undefined : recorder.dataOf(input);
  }

  /** An input, what the lock says of it, and what it was when they last were the same. */
  function standing(recorded: Artifact): 'same' | 'edited' | 'behind' | 'forked' {
    const here = observed(recorded.path);
    if (here.kind !== 'file' && here.kind !== 'tree') return 'edited';
    const [mine, theirs] = [markOf(here.artifact), markOf(recorded)];
    if (mine === theirs) return 'same';
    const base = (stood ??= readStood(stateDir)).get(recorded.path);
    if (base === mine || (here.kind === 'tree' && isOldPart(recorded, here))) return 'behind';
    return base === undefined || base === theirs ? 'edited' : 'forked';
  }

  /** Nothing but files that were pulled of what the lock said then. */
  function isOldPart({ path, hash }: Artifact, { entries }: ObservedTree): boolean {
    const part = readIncomplete(root).find((one) => one.path === path);
    if (!part || part.hash === hash || !cache.has(part.hash)) return false;
    const before = new Map(cache.readTree(part.hash).map((entry) => [entry.relpath, entry.hash]));
    return entries.every((entry) => before.get(entry.relpath) === entry.hash);
  }

  /** It is missing or behind, or only a part of it is here. */
  function isLess(recorded: Artifact): boolean {
    const here = observed(recorded.path);
    if (here.kind === 'missing' || standing(recorded) === 'behind') return true;
    if (here.kind !== 'tree' || !partOf(root, options, recorded)) return false;
    return here.entries.every(({ relpath, hash }) => lookInside(recorded, relpath) === hash);
  }

  function stands(path: RelPath, how: 'behind' | 'forked'): boolean {
    const recorded = recordedAround(path);
    return recorded?.path === path && standing(recorded) === how;
  }

  return {
    recordedHash(path) {
      const recorded = recordedAround(path);
      if (!recorded || !isLess(recorded)) return undefined;
      return recorded.path === path
        ? recorded.hash
        : lookInside(recorded, path.slice(recorded.path.length + 1));
    },
    isBehind: (path) => stands(path, 'behind'),
    isForked: (path) => stands(path, 'forked'),
    isListed(path) {
      const recorded = recordedAround(path);
      return recorded?.kind === 'tree' && cache.has(recorded.hash);
    },
  };
}
