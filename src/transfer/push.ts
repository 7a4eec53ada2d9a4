import { createReadStream, lstatSync } from 'node:fs';
import { EXIT, PipelineError, toProblem } from '../base/error.ts';
import { objectPath } from '../base/hash.ts';
import type { Remote, SizedObject } from '../base/remote.ts';
import type { Artifact, ContentHash, StageLock } from '../base/types.ts';
import { afterFailure } from '../execute/after-failure.ts';
import { hasArtifact } from '../execute/facts.ts';
import type { OpenProject } from '../execute/open-project.ts';
import { runPool } from './pool.ts';
import { planEntries } from './push-entries.ts';
import type { EntrySending } from './push-entries.ts';
import { collectObjects, concernsOneObject, findPresent } from './transfer-plan.ts';
import type { Objects, Presence } from './transfer-plan.ts';
import { createTransferProgress } from './transfer-progress.ts';

export interface PushOptions extends Pick<OpenProject, 'cache' | 'emit' | 'signal'> {
  readonly remote: Remote;
  readonly name: string;
  readonly artifacts: readonly Artifact[];
  /** Run-cache entries to send too, each with all its objects; one of which this machine lacks any is left out. */
  readonly results: readonly StageLock[];
  readonly dryRun: boolean;
}

export interface PushResult {
  /** Objects and run-cache entries; of a dry run, those that would be sent. */
  readonly sent: number;
  readonly present: number;
  /** Artifacts of which this machine lacks objects that the remote lacks too. */
  readonly missing: readonly Artifact[];
  /** What is wrong with single objects; the others went their way. */
  readonly failures: readonly PipelineError[];
}

/**
 * Sends what a remote lacks: files first, then the manifests whose files are all there, then run-cache entries.
 * What was sent stays sent, so the next call continues where this one stopped, also after an interrupt or a failure
 * of the remote, which end this one.
 */
export async function push(options: PushOptions): Promise<PushResult> {
  const { remote, name, artifacts, emit, dryRun } = options;
  if (remote.limits.readOnly) throw readOnly(name);
  const plan = await planPush(options);
  const { objects, total, present, unknown } = plan;
  if (!dryRun) emit({ type: 'transfer-started', direction: 'push', remote: name, ...total });
  const { moved, failed, lost }: Sent = dryRun
    ? { moved: total, failed: new Map(), lost: plan.lacking }
    : await sendPlanned(plan, options);
  const isLost = (hash: ContentHash): boolean => lost.has(hash);
  const missing = artifacts.filter(
    (one) => unknown.has(one) || isLost(one.hash) || (objects.trees.get(one.hash) ?? []).some(isLost),
  );
  emit({
    type: 'transfer-finished',
    direction: 'push',
    remote: name,
    ...moved,
    present,
    missing: missing.length,
    failed: failed.size,
    ...(dryRun && { dryRun }),
  });
  return { sent: moved.objects, present, missing, failures: [...failed.values()] };
}

/** What is to move, before anything does. */
interface PushPlan {
  readonly objects: Objects;
  readonly files: readonly SizedObject[];
  readonly trees: readonly SizedObject[];
  readonly entries: readonly EntrySending[];
  /** Of the three. */
  readonly total: { readonly objects: number; readonly size: number };
  /** How many objects and run-cache entries are there already. */
  readonly present: number;
  /** Objects that neither side has. */
  readonly lacking: ReadonlySet<ContentHash>;
  /** Artifacts whose manifests neither side has. */
  readonly unknown: ReadonlySet<Artifact>;
  readonly there: Presence;
}

async function planPush(options: PushOptions): Promise<PushPlan> {
  const { cache, remote, artifacts, signal } = options;
  const results = options.results.filter((result) => result.outs.every((out) => hasArtifact(cache, out)));
  const wanted = [...artifacts, ...results.flatMap((result) => result.outs)];
  const { objects, unknown } = collectObjects(cache, wanted);
  const all = new Set([...objects.files, ...objects.trees.keys()]);
  // A manifest goes up after all its files, so where it is they are too.
  for (const { hash } of unknown) all.add(hash);
  const present = await findPresent(remote, all, signal);
  const lacking = new Set<ContentHash>();
  const sendings = (hashes: Iterable<ContentHash>): readonly SizedObject[] => {
    const found: SizedObject[] = [];
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
  const moving = [...files, ...trees, ...entries.sendings];
  const away = unknown.filter(({ hash }) => !present.has(hash));
  const absent = files.length + trees.length + lacking.size + new Set(away.map(({ hash }) => hash)).size;
  return {
    objects,
    files,
    trees,
    entries: entries.sendings,
    total: { objects: moving.length, size: moving.reduce((sum, { size }) => sum + size, 0) },
    present: all.size - absent + entries.present,
    lacking,
    unknown: new Set(away),
    there: present,
  };
}

/** What came of a plan. */
interface Sent {
  readonly moved: { readonly objects: number; readonly size: number };
  readonly failed: ReadonlyMap<ContentHash, PipelineError>;
  /** Objects that neither side has: those of the plan, and damaged ones, which have left the cache. */
  readonly lost: ReadonlySet<ContentHash>;
}

async function sendPlanned(
  { objects, files, trees, entries, lacking, there }: PushPlan,
  { cache, remote, name, emit, signal }: PushOptions,
): Promise<Sent> {
  const { concurrency } = remote.limits;
  const failed = new Map<ContentHash, PipelineError>();
  const lost = new Set(lacking);
  const progress = createTransferProgress('push', emit);
  const isThere = (hash: ContentHash): boolean => !failed.has(hash) && !lost.has(hash);

  async function send({ hash, size }: SizedObject): Promise<void> {
    const file = cache.pathOf(hash);
    const body = progress.countBody(hash, { size, file, hash, open: () => createReadStream(file) });
    try {
      await remote.put(objectPath(hash), body, signal);
    } catch (error) {
      if (!concernsOneObject(error) || signal.aborted) throw error;
      progress.failed(hash);
      const { corrupt } = await cache.check([hash]);
      if (corrupt.size > 0) {
        // By the size of the damaged one alone nothing is wrong with that of the remote.
        if (!there.has(hash)) lost.add(hash);
        return;
      }
      failed.set(hash, error);
      emit({ type: 'object-refused', object: hash, problem: toProblem(error) });
      return;
    }
    progress.arrived(size, hash);
  }

  /** What does not go together with others goes by itself. */
  async function sendFiles(): Promise<void> {
    const stored = new Set<ContentHash>();
    await remote.putObjects?.(files, {
      signal,
      fileOf: (hash) => cache.pathOf(hash),
      stored(some) {
        for (const { hash } of some) stored.add(hash);
        progress.arrivedTogether(some);
      },
    });
    const rest = files.filter(({ hash }) => !stored.has(hash));
    await runPool(rest, concurrency, send);
  }

  async function sendEntry({ key, size, body, result }: EntrySending): Promise<void> {
    const { objects: own } = collectObjects(cache, result.outs);
    if (![...own.files, ...own.trees.keys()].every(isThere)) return;
    await remote.put(key, body, signal);
    progress.arrived(size);
  }

  try {
    await sendFiles();
    await remote.flush?.(signal);
    const whole = trees.filter(({ hash }) => (objects.trees.get(hash) ?? []).every(isThere));
    await runPool(whole, concurrency, send);
    await remote.flush?.(signal);
    await runPool(entries, concurrency, sendEntry);
    await remote.flush?.(signal);
  } catch (error) {
    // What was put before an interrupt or a failure counts.
    await afterFailure(() => remote.flush?.(new AbortController().signal));
    emit({ type: 'transfer-broken-off', direction: 'push', remote: name, ...progress.done() });
    throw error;
  }
  return { moved: progress.done(), failed, lost };
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

function readOnly(name: string): PipelineError {
  return new PipelineError('remote.read-only', `the remote "${name}" can only be read`, {
    exit: EXIT.user,
    hint: 'name another one with --remote',
  });
}
