import { join } from 'node:path';
import { PipelineError, isSystemError } from '../base/error.ts';
import type { Problem } from '../base/error.ts';
import { algorithmOf, isTreeHash } from '../base/hash.ts';
import { plural } from '../base/text.ts';
import type { Artifact, ContentHash, RelPath } from '../base/types.ts';
import { fromSystemError } from '../io/system-error.ts';
import type { Cache } from '../store/cache.ts';
import { checkObjects } from '../store/check-objects.ts';
import type { Checked } from '../store/check-objects.ts';
import { listObjects, removeObject } from '../store/gc.ts';
import { createObserver } from '../store/observe.ts';
import { takeIn } from '../store/take-in.ts';
import type { TreeEntry } from '../store/tree.ts';
import type { LockedArtifact } from './checkout.ts';
import { hasArtifact } from './facts.ts';
import type { OpenProject } from './open-project.ts';
import { belongs, ownersOf } from './verify-owners.ts';
import { checkWorkspace } from './verify-workspace.ts';

export interface VerifyOptions extends Pick<OpenProject, 'root' | 'folder' | 'cache' | 'runs' | 'signal'> {
  readonly artifacts: readonly LockedArtifact[];
  /** Every object of the cache and every run-cache result, not only what the artifacts consist of. */
  readonly whole: boolean;
  /** Every byte is read, and nothing that was noted about files earlier is believed. */
  readonly readData: boolean;
  /** How one artifact can be had again that the workspace has not as it should be. */
  readonly cureOf: (item: LockedArtifact) => string;
  /** The command that takes what the workspace has at a path as it is. */
  readonly acceptOf: (path: RelPath) => string;
}

/** What a verification looked at and what is wrong. */
export interface Verified {
  readonly artifacts: number;
  readonly objects: number;
  /** Bytes of these objects. */
  readonly size: number;
  /** Run-cache results that were looked at. */
  readonly results: number;
  readonly problems: readonly Problem[];
}

/**
 * Holds what is recorded against the cache and the workspace. Objects and run-cache results that are not what their
 * names say are taken out of the cache, what the workspace has as recorded goes into it again, and objects are made nobody's
 * to write; nothing else is changed.
 */
export async function verify(options: VerifyOptions): Promise<Verified> {
  const { cache, artifacts, readData, signal, whole } = options;
  const problems: Problem[] = [];
  const { count: results, taken } = whole && readData ? options.runs.check() : { count: 0, taken: [] };
  for (const path of taken) problems.push(entryTaken(path));
  const past = whole && readData ? options.runs.list().flatMap(({ result }) => result.outs) : [];
  // What git keeps need not be in the cache; what of it is there must be right.
  const locked = artifacts.flatMap(({ artifact, inGit }) =>
    inGit && !cache.has(artifact.hash) ? [] : [artifact],
  );
  const rest = whole && readData ? [...listObjects(cache)] : [];

  const check = (hashes: readonly ContentHash[]): Promise<Checked> =>
    checkObjects({ cache, hashes, readData, signal, takeOut: (hash) => removeObject(cache, hash) });
  const trees = await check([...locked.map((one) => one.hash), ...rest].filter(isTreeHash));
  const manifests = readManifests(cache, trees, problems);
  const filesOf = (artifact: Artifact): readonly TreeEntry[] =>
    artifact.kind === 'file' ? [{ relpath: '', hash: artifact.hash }] : (manifests.get(artifact.hash) ?? []);
  const files = await check([
    ...locked.flatMap((artifact) => filesOf(artifact).map((entry) => entry.hash)),
    ...rest.filter((hash) => !isTreeHash(hash)),
  ]);

  const differing = new Map(await checkWorkspace({ ...options, entriesOf: (hash) => manifests.get(hash) }));
  const owners = ownersOf(artifacts, past, filesOf);
  const unreadable = new Map([...trees.unreadable, ...files.unreadable]);
  // One that cannot be read now may be good all the same.
  const isUnreadable = ({ hash }: Artifact): boolean => unreadable.has(hash);
  const putBack = await restock(options, { differing, isUnreadable, problems });
  const cureOf = (item: LockedArtifact | undefined): string => {
    if (!item)
      return 'pipeline.lock does not need it; a stage that once made it makes it again when asked to';
    const { path } = item.artifact;
    if (putBack.has(path)) return `"${path}" in the workspace is right, and its bytes were put back`;
    return options.cureOf(item);
  };
  for (const hash of [...trees.corrupt, ...files.corrupt]) {
    problems.push({
      code: 'object.corrupt',
      message: `the cache object ${hash} had other bytes than its name says and was taken out; ${belongs(owners.get(hash))}`,
      hint: cureOf(owners.get(hash)?.item),
    });
  }
  for (const [hash, error] of unreadable) {
    problems.push({
      code: 'object.unreadable',
      message: `the cache object ${hash} cannot be read (${isSystemError(error) ? error.code : error.message}); ${belongs(owners.get(hash))}`,
      hint: `check the disk and the rights of ${cache.pathOf(hash)}`,
    });
  }
  for (const item of artifacts) {
    const { artifact } = item;
    const here = differing.get(artifact.path);
    const hint = cureOf(item);
    // What the cache cannot give, no checkout brings back.
    if (here && !isUnreadable(artifact) && !hasArtifact(cache, artifact))
      differing.set(artifact.path, { ...here, hint });
    if (item.inGit) continue;
    if (artifact.kind === 'tree' && trees.missing.has(artifact.hash))
      problems.push({
        code: 'object.missing',
        message: `the cache lacks the list of files (the manifest) of "${artifact.path}"`,
        hint,
      });
    const own = new Set(filesOf(artifact).map((entry) => entry.hash));
    const lost = [...own].filter((hash) => files.missing.has(hash)).length;
    if (lost > 0) problems.push({ code: 'object.missing', message: lacks(artifact, lost, own.size), hint });
  }
  for (const problem of differing.values()) problems.push(problem);
  const good = new Map([...trees.sizes, ...files.sizes]);
  const bad = [trees, files].reduce(
    (sum, one) => sum + one.missing.size + one.corrupt.size + one.unreadable.size,
    0,
  );
  return {
    artifacts: artifacts.length,
    objects: good.size + bad,
    size: [...good.values()].reduce((sum, size) => sum + size, 0),
    results,
    problems,
  };
}

interface Seen {
  /** What is wrong in the workspace. */
  readonly differing: ReadonlyMap<RelPath, Problem>;
  readonly isUnreadable: (artifact: Artifact) => boolean;
  /** Takes what could not be put back, and why. */
  readonly problems: Problem[];
}

/**
 * Artifacts whose workspace files are right go into the cache again: no stage could make inputs, or what a frozen one made, and
 * another run may take hours and make other bytes. They are linked as a run would, so that they take no more room than before.
 * Returns their paths.
 */
async function restock(
  { root, cache, artifacts }: VerifyOptions,
  { differing, isUnreadable, problems }: Seen,
): Promise<ReadonlySet<RelPath>> {
  const done = new Set<RelPath>();
  for (const { artifact, inGit, sharing: declared } of artifacts) {
    const { path, hash, exec = false } = artifact;
    if (inGit || differing.has(path) || isUnreadable(artifact) || hasArtifact(cache, artifact)) continue;
    const algorithm = algorithmOf(hash);
    const observer = createObserver({ root, cache, algorithm });
    const here = (await observer.observe([{ path, links: 'refuse', exec }])).get(path);
    if (here?.kind !== 'file' && here?.kind !== 'tree') continue;
    const sharing = exec ? 'own' : declared;
    try {
      await takeIn(cache, [{ path: join(root, path), here, sharing }]);
    } catch (error) {
      const known = error instanceof PipelineError ? error : fromSystemError(error, join(root, '.lockstep'));
      if (!known) throw error;
      const [problem] = known.problems;
      problems.push({
        ...problem,
        message: `"${path}" cannot be put back into the cache: ${problem.message}`,
      });
    }
    if (hasArtifact(cache, artifact)) done.add(path);
  }
  return done;
}

function entryTaken(path: string): Problem {
  return {
    code: 'object.corrupt',
    message: `the past result ${path} is not what its name says and was taken out of the run cache`,
    hint: 'nothing is lost that pipeline.lock names; the stage runs again if that result is ever asked for',
  };
}

function lacks({ path, kind }: Artifact, lost: number, all: number): string {
  if (kind === 'file') return `the cache does not have the bytes of "${path}"`;
  return `the cache lacks ${lost === all ? 'all' : lost} of the ${plural(all, 'file object')} of "${path}"`;
}

/** Manifests by hash; one whose text is refused is taken out and told. */
function readManifests(
  cache: Cache,
  { sizes }: Checked,
  problems: Problem[],
): ReadonlyMap<ContentHash, readonly TreeEntry[]> {
  const found = new Map<ContentHash, readonly TreeEntry[]>();
  for (const hash of sizes.keys()) {
    try {
      found.set(hash, cache.readTree(hash));
    } catch (error) {
      if (!(error instanceof PipelineError)) throw error;
      removeObject(cache, hash);
      const [problem] = error.problems;
      problems.push({ ...problem, message: `${problem.message} (${hash}; it was taken out of the cache)` });
    }
  }
  return found;
}
