import type { Problem } from '../base/error.ts';
import { ALGORITHMS, algorithmOf } from '../base/hash.ts';
import { formatList, shellPath } from '../base/text.ts';
import type { Artifact, ContentHash, RelPath } from '../base/types.ts';
import type { Memo } from '../store/memo.ts';
import { createObserver } from '../store/observe.ts';
import type { Observation } from '../store/observe.ts';
import type { TreeEntry } from '../store/tree.ts';
import type { LockedArtifact } from './checkout.ts';
import type { OpenProject } from './open-project.ts';

export interface CheckWorkspaceOptions extends Pick<OpenProject, 'root' | 'folder' | 'cache'> {
  readonly artifacts: readonly LockedArtifact[];
  readonly readData: boolean;
  readonly signal: AbortSignal;
  /** The command that takes what is at a path as it is. */
  readonly acceptOf: (path: RelPath) => string;
  /** The files of a recorded folder, for naming what differs. */
  readonly entriesOf: (hash: ContentHash) => readonly TreeEntry[] | undefined;
}

/** Compares the workspace with recorded artifacts; what is wrong, by path. */
export async function checkWorkspace(options: CheckWorkspaceOptions): Promise<ReadonlyMap<RelPath, Problem>> {
  const { root, cache, artifacts, readData, signal } = options;
  const careful = readData ? { ...cache, memo: distrustful(cache.memo) } : cache;
  const found = new Map<RelPath, Problem>();
  for (const algorithm of ALGORITHMS) {
    const mine = artifacts.filter(({ artifact }) => algorithmOf(artifact.hash) === algorithm);
    const observer = createObserver({ root, cache: careful, algorithm, signal });
    const seen = await observer.observe(
      mine.map(({ artifact: { path, exec = false } }) => ({ path, links: 'refuse', exec })),
    );
    for (const { artifact } of mine) {
      const problem = compare(artifact, seen.get(artifact.path) ?? { kind: 'missing' }, options);
      if (problem) found.set(artifact.path, problem);
    }
  }
  return found;
}

/** Reads every file, and notes what it finds: a file that looks untouched and is not must not stay fresh. */
function distrustful(memo: Memo): Memo {
  return {
    ...memo,
    lookup: () => undefined,
    find: () => -1,
    remember(pathOf, stat, hash, options) {
      // The row of a good object's twin says more than a workspace file's would.
      if (!memo.isVerifiedObject(pathOf, stat, hash)) memo.remember(pathOf, stat, hash, options);
    },
  };
}

function compare(
  artifact: Artifact,
  here: Observation,
  { entriesOf, acceptOf, folder }: CheckWorkspaceOptions,
): Problem | undefined {
  const { path } = artifact;
  const hint = `"lockstep checkout ${shellPath(path, folder)}" brings the recorded one back`;
  switch (here.kind) {
    case 'missing':
      return { code: 'workspace.missing', message: `"${path}" is not in the workspace`, hint };
    case 'refused':
      return here.error.problems[0];
    case 'file':
    case 'tree': {
      const same = here.artifact.hash === artifact.hash;
      if (same && (here.artifact.exec ?? false) === (artifact.exec ?? false)) return undefined;
      const recorded = entriesOf(artifact.hash);
      const detail = here.kind === 'tree' && recorded ? `: ${listDifferences(here.entries, recorded)}` : '';
      const what = same
        ? `the execute bit of "${path}" is not what pipeline.lock says`
        : `"${path}" in the workspace is not what pipeline.lock says${detail}`;
      return {
        code: 'workspace.changed',
        message: what,
        hint: `${hint}; ${acceptOf(path)} records what is here`,
      };
    }
    default:
      return here satisfies never;
  }
}

function listDifferences(here: readonly TreeEntry[], recorded: readonly TreeEntry[]): string {
  const before = new Map(recorded.map((entry) => [entry.relpath, entry.hash]));
  const now = new Map(here.map((entry) => [entry.relpath, entry.hash]));
  const names = [...new Set([...before.keys(), ...now.keys()])].sort();
  const differing = names.flatMap((name) => {
    if (before.get(name) === now.get(name)) return [];
    return [`${name} ${now.has(name) ? (before.has(name) ? 'changed' : 'added') : 'missing'}`];
  });
  return formatList(differing);
}
