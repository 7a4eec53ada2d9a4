import { toProblem } from '../base/error.ts';
import type { PipelineError } from '../base/error.ts';
import { objectPath } from '../base/hash.ts';
import type { Remote, SizedObject } from '../base/remote.ts';
import type { ContentHash } from '../base/types.ts';
import { afterFailure } from '../execute/after-failure.ts';
import type { OpenProject } from '../execute/open-project.ts';
import { createLanding } from '../store/landing.ts';
import type { Landing } from '../store/landing.ts';
import { runPool } from './pool.ts';
import { collectObjects, concernsOneObject, findPresent } from './transfer-plan.ts';
import type { Wanted } from './transfer-plan.ts';
import { createTransferProgress } from './transfer-progress.ts';
import type { TransferProgress } from './transfer-progress.ts';

export interface FetchOptions extends Pick<OpenProject, 'cache' | 'emit' | 'signal'> {
  readonly remote: Remote;
  readonly name: string;
  readonly artifacts: readonly Wanted[];
  readonly dryRun: boolean;
}

export interface FetchResult {
  /** Objects; of a dry run, those that would come. */
  readonly received: number;
  /** Artifacts that are not whole here, and would not be after a dry run either. */
  readonly missing: readonly Wanted[];
  /** Those of them of which the remote lacks something; of the others it has objects that were refused. */
  readonly lacking: readonly Wanted[];
  /** What is wrong with single objects; the others came. */
  readonly failures: readonly PipelineError[];
}

/**
 * Brings what the cache lacks: manifests are read first, but enter the cache after the files they name. Every object
 * is hashed while it comes; a wrong one is named, refused and never enters. An interrupt or a failure of the remote
 * ends the transfer; what has come whole stays, and the next call continues from there.
 */
export async function fetchArtifacts(options: FetchOptions): Promise<FetchResult> {
  const { cache, remote, name, artifacts, emit, signal, dryRun } = options;
  const landing = createLanding(cache);
  const { objects, unknown } = collectObjects(cache, artifacts);
  const trees = new Map<ContentHash, readonly ContentHash[]>(objects.trees);
  const arrivals = createArrivals(landing, { ...options, trees });
  /** What the cache had before. */
  const here = new Set<ContentHash>(objects.trees.keys());
  const isIn = (hash: ContentHash): boolean => here.has(hash) || landing.hasLetIn(hash);
  const settle = (): Promise<void> => landing.settle((hash) => trees.get(hash)?.every(isIn) === true);
  let running: TransferProgress | undefined;
  try {
    // Asked for without being looked up first: what of them is not there says so, and a listing is for the files.
    const manifests = [...new Set(unknown.map((artifact) => artifact.hash))];
    let first = { objects: 0, size: 0 };
    await runPool(manifests, remote.limits.concurrency, (hash) =>
      arrivals.receive(hash, (size) => {
        trees.set(hash, landing.readTree(hash));
        first = { objects: first.objects + 1, size: first.size + size };
      }),
    );
    const files = new Set([...objects.files, ...[...trees.values()].flat()]);
    const absent = cache.lacking(files);
    for (const hash of files) if (!absent.has(hash)) here.add(hash);
    const toCome = files.difference(here);
    const present = await findPresent(remote, toCome, signal);
    const coming = [...toCome].flatMap((hash) => {
      const size = present.get(hash);
      return size === undefined ? [] : [{ hash, size }];
    });
    const total = {
      objects: coming.length + first.objects,
      size: first.size + coming.reduce((sum, { size }) => sum + size, 0),
    };
    const progress = createTransferProgress('fetch', emit, first);
    if (!dryRun) {
      emit({ type: 'transfer-started', direction: 'fetch', remote: name, ...total });
      running = progress;
      await arrivals.receiveAll(coming, progress);
      await settle();
    }
    const isHere = (hash: ContentHash): boolean =>
      isIn(hash) || (dryRun && (present.has(hash) || trees.has(hash)));
    const { refusals } = arrivals;
    // A manifest that came enters after all of its files.
    const isThere = (hash: ContentHash): boolean => isHere(hash) || trees.has(hash) || refusals.has(hash);
    const isWhole = ({ hash, kind }: Wanted, is: (hash: ContentHash) => boolean): boolean =>
      is(hash) && (kind === 'file' || (trees.get(hash) ?? []).every(is));
    const { objects: received, size } = dryRun ? total : progress.done();
    const missing = artifacts.filter((artifact) => !isWhole(artifact, isHere));
    const lacking = missing.filter((artifact) => !isWhole(artifact, isThere));
    const failures = [...refusals.values()];
    emit({
      type: 'transfer-finished',
      direction: 'fetch',
      remote: name,
      objects: received,
      size,
      present: files.size - toCome.size + objects.trees.size,
      missing: lacking.length,
      failed: failures.length,
      ...(dryRun && { dryRun }),
    });
    return { received, missing, lacking, failures };
  } catch (error) {
    if (!dryRun) await afterFailure(settle);
    if (running) emit({ type: 'transfer-broken-off', direction: 'fetch', remote: name, ...running.done() });
    throw error;
  } finally {
    await afterFailure(() => landing.drop());
  }
}

interface Arrivals {
  /** Brings one object, and tells its size; not for one that was refused, or that went away since it was listed. */
  receive(hash: ContentHash, then: (size: number) => void, came?: (bytes: number) => void): Promise<void>;
  receiveAll(coming: readonly SizedObject[], progress: TransferProgress): Promise<void>;
  /** Each object that was refused, and why. */
  readonly refusals: ReadonlyMap<ContentHash, PipelineError>;
}

/** Takes objects from the remote to where they land. */
function createArrivals(
  landing: Landing,
  { remote, artifacts, emit, signal, trees }: FetchOptions & Fetching,
): Arrivals {
  const { concurrency } = remote.limits;
  const refusals = new Map<ContentHash, PipelineError>();

  const receive: Arrivals['receive'] = async (hash, then, came) => {
    try {
      then(await landing.receive(hash, await remote.get(objectPath(hash), signal), { signal, came }));
    } catch (error) {
      if (!concernsOneObject(error) || signal.aborted) throw error;
      if (error.code === 'remote.object-missing') return;
      const refusal = refused(error, hash, { artifacts, trees });
      refusals.set(hash, refusal);
      emit({ type: 'object-refused', object: hash, problem: toProblem(refusal) });
    }
  };

  return {
    receive,
    refusals,
    async receiveAll(coming, progress) {
      const came = new Set<ContentHash>();
      if (remote.fileOf)
        await landing.receiveFiles(coming, {
          threads: concurrency,
          fileOf: (hash) => remote.fileOf?.(objectPath(hash)) ?? '',
          signal,
          received(some) {
            for (const { hash } of some) came.add(hash);
            progress.arrivedTogether(some);
          },
        });
      // What does not come together with others comes by itself.
      const rest = coming.filter(({ hash }) => !came.has(hash));
      await runPool(rest, concurrency, async ({ hash, size }) => {
        await receive(hash, (received) => progress.arrived(received, hash), progress.counterOf(hash, size));
        progress.failed(hash);
      });
    },
  };
}

interface Fetching {
  readonly artifacts: readonly Wanted[];
  readonly trees: ReadonlyMap<ContentHash, readonly ContentHash[]>;
}

/** The same error, saying also what it means for the workspace: nobody knows objects by their hashes. */
function refused(error: PipelineError, hash: ContentHash, { artifacts, trees }: Fetching): PipelineError {
  const owner = artifacts.find((one) => one.hash === hash || trees.get(one.hash)?.includes(hash) === true);
  if (!owner) return error;
  const [problem, ...rest] = error.problems;
  const message = `${problem.message} (it belongs to "${owner.path}")`;
  return error.retold([{ ...problem, message }, ...rest]);
}
