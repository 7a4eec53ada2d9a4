import { PipelineError, toProblem } from '../base/error.ts';
import type { Emit } from '../base/event.ts';
import { objectPath } from '../base/hash.ts';
import type { Remote } from '../base/remote.ts';
import type { Artifact, ContentHash } from '../base/types.ts';
import type { Cache } from '../store/cache.ts';
import { createLanding } from '../store/landing.ts';
import { runPool } from './pool.ts';
import { collectObjects, findPresent } from './transfer-plan.ts';

export interface FetchOptions {
  readonly cache: Cache;
  readonly remote: Remote;
  readonly name: string;
  readonly artifacts: readonly Artifact[];
  readonly dryRun: boolean;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

export interface FetchResult {
  readonly received: number;
  readonly size: number;
  /** Artifacts that are still not whole here. */
  readonly missing: readonly Artifact[];
  readonly failures: readonly PipelineError[];
}

/**
 * Brings what the cache lacks: manifests are read first, but enter the cache after the files they name. Every object
 * is hashed while it comes; a wrong one is named, refused and never enters.
 */
export async function fetchArtifacts(options: FetchOptions): Promise<FetchResult> {
  const { cache, remote, name, artifacts, emit, signal } = options;
  const failures = new Map<ContentHash, PipelineError>();
  const refuse = (hash: ContentHash, error: unknown): void => {
    if (!(error instanceof PipelineError) || signal.aborted) throw error;
    failures.set(hash, error);
    emit({ type: 'object-refused', object: hash, problem: toProblem(error) });
  };
  const landing = createLanding(cache);
  const first = collectObjects(cache, artifacts);
  const treeHashes = [...new Set(first.unknown.map((artifact) => artifact.hash))];
  const presentTrees = await findPresent(remote, treeHashes, signal);
  const manifests = treeHashes.filter((hash) => presentTrees.has(objectPath(hash)));
  const trees = new Map<ContentHash, readonly ContentHash[]>(first.objects.trees);
  await runPool(manifests, remote.limits.concurrency, async (hash) => {
    try {
      await landing.receive(hash, await remote.get(objectPath(hash), signal));
      trees.set(hash, landing.readTree(hash));
    } catch (error) {
      refuse(hash, error);
    }
  });
  const files = new Set([...first.objects.files, ...[...trees.values()].flat()]);
  const lacking = [...files].filter((hash) => !cache.has(hash));
  const present = await findPresent(remote, lacking, signal);
  const coming = lacking.filter((hash) => present.has(objectPath(hash)));
  const size = coming.reduce((sum, hash) => sum + (present.get(objectPath(hash)) ?? 0), 0);
  emit({
    type: 'transfer-started',
    direction: 'fetch',
    remote: name,
    objects: coming.length + manifests.length,
    size,
  });
  let done = { objects: 0, size: 0 };
  try {
    if (!options.dryRun) {
      await runPool(coming, remote.limits.concurrency, async (hash) => {
        try {
          const bytes = await landing.receive(hash, await remote.get(objectPath(hash), signal));
          done = { objects: done.objects + 1, size: done.size + bytes };
          emit({ type: 'transfer-progressed', direction: 'fetch', ...done });
        } catch (error) {
          refuse(hash, error);
        }
      });
    }
  } finally {
    // What has come whole stays, also when the rest did not come: the next call continues from there.
    if (!options.dryRun)
      await landing.settle((hash) => (trees.get(hash) ?? []).every((file) => cache.has(file)));
    landing.drop();
  }
  const missing = artifacts.filter((artifact) => !options.dryRun && !isWhole(cache, artifact, trees));
  const received = options.dryRun
    ? coming.length + manifests.length
    : done.objects + manifests.filter((hash) => cache.has(hash)).length;
  const result = {
    received,
    size: options.dryRun ? size : done.size,
    missing,
    failures: [...failures.values()],
  };
  emit({
    type: 'transfer-finished',
    direction: 'fetch',
    remote: name,
    objects: received,
    size: result.size,
    present: files.size + trees.size - lacking.length - manifests.length,
    missing: missing.length,
    failed: failures.size,
  });
  return result;
}

function isWhole(
  cache: Cache,
  artifact: Artifact,
  trees: ReadonlyMap<ContentHash, readonly ContentHash[]>,
): boolean {
  return cache.has(artifact.hash) && (trees.get(artifact.hash) ?? []).every((hash) => cache.has(hash));
}
