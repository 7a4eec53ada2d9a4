import { PipelineError } from '../base/error.ts';
import { algorithmOf } from '../base/hash.ts';
import { byCodePoint, parentsOf } from '../base/path.ts';
import type {
  Artifact,
  ContentHash,
  HashAlgorithm,
  RelPath,
  Stage,
  StageLock,
  StageName,
} from '../base/types.ts';
import { hashEnv } from '../plan/fingerprint.ts';
import type { Facts } from '../plan/plan.ts';
import type { Cache } from '../store/cache.ts';
import type { Closure, CodeReader } from '../store/imports.ts';
import { createObserver, toTree } from '../store/observe.ts';
import type { Observation, ObserveRequest } from '../store/observe.ts';
import { formatManifest, hashManifest } from '../store/tree.ts';
import type { TreeEntry } from '../store/tree.ts';
import type { OpenProject } from './open-project.ts';
import { createStanding } from './standing.ts';
import type { Standing } from './standing.ts';

/** The planner's view of the disk, kept in memory between looks. */
export interface DiskFacts extends Facts, Standing {
  /** Looks now, whatever has been seen before. */
  look(paths: readonly RelPath[]): Promise<void>;
  /** Looks where nothing has been seen since this command began, or since `forget`. */
  lookOnce(paths: readonly RelPath[]): Promise<void>;
  /** What has been seen is not to be relied on: someone else may have moved it. */
  forget(): void;
  /** The same for what was seen inside of paths and in the folders around them, not of the paths themselves. */
  forgetNear(paths: ReadonlySet<RelPath>): void;
  /** Takes over what someone else has seen. */
  noteSeen(found: ReadonlyMap<RelPath, Observation>): void;
  /** Notes what a commit or restore has just put there, without looking. */
  noteOuts(outs: readonly Artifact[]): void;
  observed(path: RelPath): Observation;
  /** How a path is looked at. */
  requestOf(path: RelPath): ObserveRequest;
  codeOf(stage: Stage): Closure | undefined;
  /** A code file of the stage that is no longer what its fingerprint was made of. */
  changedCode(stage: Stage): string | undefined;
  /** Loads what is needed to read the code of module stages. */
  prepare(stages: Iterable<Stage>): Promise<void>;
}

export interface FactsOptions extends Pick<
  OpenProject,
  'root' | 'stateDir' | 'pipeline' | 'cache' | 'runs' | 'recorder' | 'env' | 'signal'
> {
  readonly code: CodeReader;
  readonly tickOf: (name: StageName) => string | undefined;
}

export function createFacts(options: FactsOptions): DiskFacts {
  const { root, pipeline, cache, runs, recorder, code, env, signal } = options;
  let seen = new Map<RelPath, Observation>();
  const makers = new Map<string, StageName>();
  const frozen = new Map<string, StageName>();
  for (const { name, policy, outs: own } of pipeline.stages)
    for (const { path } of own) {
      makers.set(path, name);
      if (policy.frozen) frozen.set(path, name);
    }
  const data = new Set(pipeline.data.map((input) => input.path));

  const observed = (path: string): Observation => seen.get(path as RelPath) ?? MISSING;

  const isOurs = (path: string): boolean => makers.has(path) || data.has(path as RelPath);
  /** Only plain deps follow links: outs and data, and what is in them, are ours to write. */
  function requestOf(path: RelPath): ObserveRequest {
    const links = isOurs(path) || parentsOf(path).some(isOurs) ? 'refuse' : 'follow';
    return { path, links, exec: recordedAt(path)?.exec ?? false };
  }

  function recordedAt(path: RelPath): Artifact | undefined {
    const maker = makers.get(path);
    if (maker === undefined) return recorder.dataOf(path);
    return recorder.lockOf(maker)?.outs.find((out) => out.path === path);
  }

  /** What a frozen stage made stands as it is recorded, also once `hash:` has been switched. */
  function algorithmAt(path: RelPath): HashAlgorithm {
    const out = frozen.size > 0 ? [path, ...parentsOf(path)].find((one) => frozen.has(one)) : undefined;
    const maker = out === undefined ? undefined : frozen.get(out);
    const recorded = maker && recorder.lockOf(maker)?.outs.find((one) => one.path === out);
    return recorded ? algorithmOf(recorded.hash) : pipeline.hash;
  }

  const listed = new Map<ContentHash, readonly TreeEntry[]>();
  function entriesOf(tree: Artifact): readonly TreeEntry[] | undefined {
    const known = listed.get(tree.hash);
    if (known) return known;
    const here = observed(tree.path);
    const isHere = here.kind === 'tree' && here.artifact.hash === tree.hash;
    if (!isHere && !cache.has(tree.hash)) return undefined;
    const entries = isHere ? here.entries : cache.readTree(tree.hash);
    listed.set(tree.hash, entries);
    return entries;
  }

  function lookInside(tree: Artifact, below: string): ContentHash | undefined {
    const entries = tree.kind === 'tree' ? entriesOf(tree) : undefined;
    if (!entries) return undefined;
    const file = entries[placeOf(entries, below)];
    if (file?.relpath === below) return file.hash;
    const folder = `${below}/`;
    const from = placeOf(entries, folder);
    let end = from;
    while (entries[end]?.relpath.startsWith(folder) === true) end++;
    if (end === from) return undefined;
    const part = entries
      .slice(from, end)
      .map(({ relpath, hash }) => ({ relpath: relpath.slice(folder.length), hash }));
    const algorithm = algorithmOf(tree.hash);
    return hashManifest(formatManifest(part, algorithm), algorithm);
  }

  const standing = createStanding({ ...options, data, observed, lookInside });

  /**
   * What is recorded by another algorithm than it is looked at by would not be found equal, once it is there: it is made again,
   * unless that would be without the old content it goes on from.
   */
  function isAvailable({ fingerprint, outs: made }: StageLock): boolean {
    const persists = fingerprint.outs.some((out) => out.persist);
    return made.every(
      (out) => (persists || algorithmAt(out.path) === algorithmOf(out.hash)) && hasArtifact(cache, out),
    );
  }

  async function look(paths: readonly RelPath[]): Promise<void> {
    for (const [algorithm, some] of Map.groupBy(paths, algorithmAt)) {
      const observer = createObserver({ root, cache, algorithm, signal });
      const found = await observer.observe(some.map(requestOf));
      if (seen.size === 0) seen = found;
      else noteSeen(found);
    }
  }

  function noteSeen(found: ReadonlyMap<RelPath, Observation>): void {
    for (const [path, observation] of found) seen.set(path, observation);
  }

  return {
    ...standing,
    observed,
    requestOf,
    look,
    lookOnce: (paths) => look(paths.filter((path) => !seen.has(path))),
    forget: () => seen.clear(),
    forgetNear(paths) {
      for (const path of paths) for (const folder of parentsOf(path)) seen.delete(folder as RelPath);
      for (const path of seen.keys())
        if (parentsOf(path).some((folder) => paths.has(folder as RelPath))) seen.delete(path);
    },
    noteSeen,
    noteOuts(artifacts) {
      for (const artifact of artifacts) {
        const here: Observation =
          artifact.kind === 'tree'
            ? toTree(artifact, () => cache.readTree(artifact.hash))
            : { kind: 'file', artifact, known: 'memo' };
        seen.set(artifact.path, here);
      }
    },
    depHash(path) {
      const observation = observed(path);
      if (observation.kind === 'refused') throw observation.error;
      const isOpen = observation.kind === 'missing' || data.size > 0;
      const recorded = isOpen ? standing.recordedHash(path) : undefined;
      return recorded ?? (observation.kind === 'missing' ? undefined : observation.artifact.hash);
    },
    seenOut(path) {
      const observation = observed(path);
      if (observation.kind === 'missing' || observation.kind === 'refused') return observation;
      return { kind: 'present', hash: observation.artifact.hash, exec: observation.artifact.exec === true };
    },
    lookInside,
    prepare: (stages) =>
      code.prepare(
        [...stages].flatMap(({ action }) =>
          action.kind === 'module' ? [[action.path, action.at] as const] : [],
        ),
      ),
    changedCode({ action }) {
      if (action.kind !== 'module') return undefined;
      // Workers and processes read files themselves.
      const isAlone = action.hermetic && action.allow.every((ability) => ability === 'addons');
      return code.changedIn(action.path, action.at, isAlone);
    },
    codeOf: (stage) =>
      stage.action.kind === 'module' ? code.closureOf(stage.action.path, stage.action.at) : undefined,
    envOf: (stage) =>
      stage.env.length === 0
        ? NO_ENV
        : Object.fromEntries([...stage.env].sort().map((name) => [name, hashEnv(name, env)])),
    tickOf: (stage) => options.tickOf(stage.name),
    locked: (name) => recorder.lockOf(name),
    isAvailable,
    recall(fingerprint) {
      const result = runs.recall(fingerprint);
      return result && isAvailable(result) ? result : undefined;
    },
  };
}

/** Where a path stands among the sorted entries of a directory, or would: thousands of stages may each read a part of one. */
function placeOf(entries: readonly TreeEntry[], path: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (byCodePoint(entries[middle]?.relpath ?? '', path) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

const MISSING: Observation = { kind: 'missing' };
const NO_ENV: Readonly<Record<string, string>> = {};

/** True when what stands somewhere is an artifact as it is recorded. */
export function isAsRecorded(
  here: Observation | undefined,
  { hash, exec = false }: Pick<Artifact, 'hash' | 'exec'>,
): boolean {
  if (here?.kind !== 'file' && here?.kind !== 'tree') return false;
  return here.artifact.hash === hash && (here.artifact.exec ?? false) === exec;
}

/** True when the cache has every object of an artifact. */
export function hasArtifact(cache: Cache, artifact: Artifact): boolean {
  if (artifact.kind === 'file') return cache.has(artifact.hash);
  const entries = readTree(cache, artifact.hash);
  return entries !== undefined && cache.lacking(entries.map((entry) => entry.hash)).size === 0;
}

/**
 * The entries of a manifest that the cache has. A damaged one leaves the cache when it is read; from then on it is one that the cache
 * does not have.
 */
export function readTree(cache: Cache, tree: ContentHash): readonly TreeEntry[] | undefined {
  if (!cache.has(tree)) return undefined;
  try {
    return cache.readTree(tree);
  } catch (error) {
    if (error instanceof PipelineError) return undefined;
    throw error;
  }
}
