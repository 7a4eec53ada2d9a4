import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, PipelineError } from '../base/error.ts';
import { formatList, plural } from '../base/text.ts';
import type { Artifact, Lock, RelPath } from '../base/types.ts';
import { readIfExists } from '../io/files.ts';
import { listRunsBefore, removeRun } from '../record/history.ts';
import { EMPTY_LOCK, LOCKFILE, parseLock } from '../record/lockfile.ts';
import { findGarbage, removeObject } from '../store/gc.ts';
import { readCommitted } from './committed-lock.ts';
import { readIncomplete } from './incomplete.ts';
import type { OpenProject } from './open-project.ts';
import { gitPlace } from './repository.ts';

export interface GarbageOptions extends Pick<
  OpenProject,
  'root' | 'env' | 'stateDir' | 'cache' | 'runs' | 'journal'
> {
  /** Run-cache results last written before this instant (epoch ms) are garbage too; none when absent. */
  readonly runsBefore?: number;
  /** So is the history of runs that began before this instant (epoch ms); none when absent. */
  readonly historyBefore?: number;
  /** Removes what was found; otherwise nothing is touched. */
  readonly remove: boolean;
}

export interface GarbageFound {
  readonly objects: number;
  readonly size: number;
  /** Run-cache results. */
  readonly runs: number;
  /** Past runs. */
  readonly history: number;
  /** Folders that are named, whose lists of files are not here: files of theirs count as garbage. */
  readonly unlisted: readonly RelPath[];
}

/**
 * Finds what neither the lock, nor the lock of git's HEAD, nor a run-cache result, nor an unfinished attempt, nor a folder that
 * is here in part refers to, and what is no tracked input of another branch, tag or stash.
 * The cache must be held exclusively. Throws what reading a lock throws, `git.failed`, `gc.damaged`, `gc.version` and
 * `incomplete.damaged`: then nothing is garbage.
 */
export async function collectGarbage(options: GarbageOptions): Promise<GarbageFound> {
  const { root, env, stateDir, cache, runs, journal } = options;
  refuseLater(runs.listLater());
  const past = options.historyBefore === undefined ? [] : listRunsBefore(stateDir, options.historyBefore);
  const committed = await readCommitted(gitPlace(root, env));
  const isOld = (path: string): boolean =>
    options.runsBefore !== undefined && statSync(join(stateDir, path)).mtimeMs < options.runsBefore;
  const results = Map.groupBy(runs.list(), ({ path }) => (isOld(path) ? 'old' : 'kept'));
  const old = results.get('old') ?? [];
  const roots: readonly Artifact[] = [
    ...artifactsOf(await presentLock(root)),
    // `git checkout .` must not need a remote.
    ...artifactsOf(committed.head),
    // Of what was never brought here nothing is to be kept.
    ...committed.data.filter(({ hash }) => cache.has(hash)),
    ...(results.get('kept') ?? []).flatMap(({ result }) => result.outs),
    // By its list of files a part is told from an edit, also once the lock has moved.
    ...readIncomplete(root).flatMap((one): Artifact[] =>
      cache.has(one.hash) ? [{ ...one, kind: 'tree', size: 0 }] : [],
    ),
    // What a dead runner had made whole is recorded by whoever cleans up after it.
    ...journal.unfinished().flatMap((attempt) => attempt.result?.outs ?? []),
  ];
  const { garbage, unlisted } = findGarbage(cache, roots);
  if (options.remove) {
    for (const { path } of old) rmSync(join(stateDir, path), { force: true });
    for (const { hash } of garbage) removeObject(cache, hash);
    for (const run of past) removeRun(stateDir, run);
  }
  return {
    objects: garbage.length,
    size: garbage.reduce((sum, one) => sum + one.size, 0),
    runs: old.length,
    history: past.length,
    unlisted: [...new Set(unlisted.map(({ path }) => path))],
  };
}

function refuseLater(later: readonly string[]): void {
  if (later.length === 0) return;
  const paths = formatList(later.map((path) => `.lockstep/${path}`));
  throw new PipelineError(
    'gc.version',
    `the run cache has ${plural(later.length, 'result')} of a newer lockstep (${paths}), and nobody knows which objects are theirs; nothing was removed`,
    {
      exit: EXIT.failed,
      hint: 'use the newer Lockstep that wrote them, or remove them: a stage runs again if one is asked for',
    },
  );
}

function artifactsOf(lock: Lock): readonly Artifact[] {
  return [...[...lock.stages.values()].flatMap((entry) => entry.outs), ...lock.data];
}

/** Read once the cache is ours: whoever held it until then may have written another one. */
async function presentLock(root: string): Promise<Lock> {
  const bytes = readIfExists(join(root, LOCKFILE));
  return bytes ? parseLock(bytes.toString('utf8')) : EMPTY_LOCK;
}
