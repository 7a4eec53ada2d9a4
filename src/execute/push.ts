import { createReadStream, lstatSync } from 'node:fs';
import { EXIT, PipelineError, toProblem } from '../base/error.ts';
import type { Emit } from '../base/event.ts';
import { objectPath } from '../base/hash.ts';
import type { Remote } from '../base/remote.ts';
import type { Artifact, ContentHash, StageLock } from '../base/types.ts';
import type { Cache } from '../store/cache.ts';
import { afterFailure } from './after-failure.ts';
import { hasArtifact } from './facts.ts';
import { runPool } from './pool.ts';
import { planEntries } from './push-entries.ts';
import { collectObjects, concernsOneObject, findPresent } from './transfer-plan.ts';
import type { Objects, Presence } from './transfer-plan.ts';
import { createTransferProgress } from './transfer-progress.ts';

export interface PushOptions {
  readonly cache: Cache;
  readonly remote: Remote;
  readonly name: string;
  readonly artifacts: readonly Artifact[];
  /** Run-cache entries to send too, each with all its objects; one of which this machine lacks any is left out. */
  readonly results: readonly StageLock[];
  readonly dryRun: boolean;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

export interface PushResult {
  /** Objects and run-cache entries; of a dry run, those that would be sent. */
  readonly sent: number;
  readonly size: number;
  readonly present: number;
  /** Artifacts of which this machine lacks objects that the remote lacks too. */
  readonly missing: readonly Artifact[];
  /** What is wrong with single objects; the others went their way. */
  readonly failures: readonly PipelineError[];
}

interface Sending {
  readonly hash: ContentHash;
  readonly size: number;
}

/**
 * Sends what a remote lacks: files first, then the manifests whose files are all there, then run-cache entries.
 * What was sent stays sent, so the next call continues where this one stopped, also after an interrupt or a failure
 * of the remote, which end this one.
 */
export async function push(options: PushOptions): Promise<PushResult> {
  const { cache, remote, name, artifacts, emit, signal, dryRun } = options;
  if (remote.limits.readOnly) throw readOnly(name);
  const results = options.results.filter((result) => result.outs.every((out) => hasArtifact(cache, out)));
  const wanted = [...artifacts, ...results.flatMap((result) => result.outs)];
  const { objects, unknown } = collectObjects(cache, wanted);
  const all = new Set([...objects.files, ...objects.trees.keys()]);
  // A manifest goes up after all its files, so where it is they are too.
  for (const { hash } of unknown) all.add(hash);
  const present = await findPresent(remote, all, signal);
  const lacking = new Set<ContentHash>();
  const sendings = (hashes: Iterable<ContentHash>): readonly Sending[] => {
    const found: Sending[] = [];
    for (const hash of hashes) {
      const size = lstatSync(cache.pathOf(hash), { throwIfNoEntry: false })?.size;
      const there = present.get(hash);
      // An object of another size was cut off when it was stored.
      if (there !== undefined && (size === undefined || there === size)) continue;
      if (size === undefined) lacking.add(hash);
      else found.push({ hash, size });
    }
    return found;
  };
  const files = sendings(findDoubtful(wanted, objects, present));
  const trees = sendings(objects.trees.keys());
  const entries = await planEntries(remote, results, signal);
  const total = {
    objects: files.length + trees.length + entries.sendings.length,
    size: sum(files) + sum(trees) + sum(entries.sendings),
  };
  const isUnknown = (one: Artifact): boolean => unknown.includes(one) && !present.has(one.hash);
  const away = new Set(unknown.filter(isUnknown).map(({ hash }) => hash)).size;
  const there = all.size - files.length - trees.length - lacking.size - away + entries.present;
  if (!dryRun) emit({ type: 'transfer-started', direction: 'push', remote: name, ...total });
  const failed = new Map<ContentHash, PipelineError>();
  const progress = createTransferProgress('push', emit);
  const send = async ({ hash, size }: Sending): Promise<void> => {
    const file = cache.pathOf(hash);
    const body = progress.countBody(hash, { size, file, hash, open: () => createReadStream(file) });
    try {
      await remote.put(objectPath(hash), body, signal);
    } catch (error) {
      if (!concernsOneObject(error) || signal.aborted) throw error;
      progress.failed(hash);
      // A damaged object leaves the cache, and is one that this machine lacks.
      const { corrupt } = await cache.check([hash]);
      if (corrupt.length > 0) {
        lacking.add(hash);
        return;
      }
      failed.set(hash, error);
      emit({ type: 'object-refused', object: hash, problem: toProblem(error) });
      return;
    }
    progress.arrived(size, hash);
  };
  /** What does not go together with others goes by itself. */
  const sendAll = async (sendings: readonly Sending[]): Promise<void> => {
    const stored = new Set<ContentHash>();
    await remote.putObjects?.(sendings, {
      signal,
      fileOf: (hash) => cache.pathOf(hash),
      stored(some) {
        for (const { hash } of some) stored.add(hash);
        progress.arrivedTogether(some);
      },
    });
    const rest = sendings.filter(({ hash }) => !stored.has(hash));
    await runPool(rest, remote.limits.concurrency, send);
  };
  const isThere = (hash: ContentHash): boolean => !failed.has(hash) && !lacking.has(hash);
  if (!dryRun) {
    try {
      const { concurrency } = remote.limits;
      await sendAll(files);
      await remote.flush?.(signal);
      const whole = trees.filter(({ hash }) => (objects.trees.get(hash) ?? []).every(isThere));
      await runPool(whole, concurrency, send);
      await remote.flush?.(signal);
      await runPool(entries.sendings, concurrency, async ({ key, size, body, result }) => {
        const { objects: own } = collectObjects(cache, result.outs);
        if (![...own.files, ...own.trees.keys()].every(isThere)) return;
        await remote.put(key, body, signal);
        progress.arrived(size);
      });
      await remote.flush?.(signal);
    } catch (error) {
      // What was put before an interrupt or a failure counts.
      await afterFailure(() => remote.flush?.(new AbortController().signal));
      throw error;
    }
  }
  const isLacking = ({ hash }: Artifact): boolean =>
    lacking.has(hash) || (objects.trees.get(hash) ?? []).some((file) => lacking.has(file));
  const missing = artifacts.filter((artifact) => isUnknown(artifact) || isLacking(artifact));
  const moved = dryRun ? total : progress.done();
  const result: PushResult = {
    sent: moved.objects,
    size: moved.size,
    present: there,
    missing,
    failures: [...failed.values()],
  };
  emit({
    type: 'transfer-finished',
    direction: 'push',
    remote: name,
    objects: result.sent,
    size: result.size,
    present: result.present,
    missing: missing.length,
    failed: failed.size,
    ...(dryRun && { dryRun }),
  });
  return result;
}

/**
 * Files of artifacts of which the remote lacks some, or has sizes that do not add up to what the lock says: where they do,
 * none was cut off, so nobody need look up what size each has here.
 */
function findDoubtful(
  artifacts: readonly Artifact[],
  { trees }: Objects,
  present: Presence,
): ReadonlySet<ContentHash> {
  const doubtful = new Set<ContentHash>();
  for (const { hash, kind, size } of artifacts) {
    const files = kind === 'file' ? [hash] : (trees.get(hash) ?? []);
    // NaN, which equals nothing, when one is not there.
    const there = files.reduce((total, file) => total + (present.get(file) ?? NaN), 0);
    if (there !== size) for (const file of files) doubtful.add(file);
  }
  return doubtful;
}

function sum(sendings: readonly { readonly size: number }[]): number {
  return sendings.reduce((total, { size }) => total + size, 0);
}

function readOnly(name: string): PipelineError {
  return new PipelineError('remote.read-only', `the remote "${name}" can only be read`, {
    exit: EXIT.user,
    hint: 'name another one with --remote',
  });
}
