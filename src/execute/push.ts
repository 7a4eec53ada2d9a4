import { createReadStream, lstatSync } from 'node:fs';
import { Readable } from 'node:stream';
import { EXIT, PipelineError, toProblem } from '../base/error.ts';
import type { Emit } from '../base/event.ts';
import { objectPath } from '../base/hash.ts';
import type { Body, Remote } from '../base/remote.ts';
import type { Artifact, ContentHash, StageLock } from '../base/types.ts';
import { entryPathOf, formatRunEntry } from '../record/runs.ts';
import type { Cache } from '../store/cache.ts';
import { collectObjects, findPresent } from './transfer-plan.ts';
import { runPool } from './pool.ts';

export interface PushOptions {
  readonly cache: Cache;
  readonly remote: Remote;
  readonly name: string;
  readonly artifacts: readonly Artifact[];
  /** Run-cache entries to send too, each with all its objects. */
  readonly results: readonly StageLock[];
  readonly dryRun: boolean;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

export interface PushResult {
  readonly sent: number;
  readonly size: number;
  readonly present: number;
  /** Artifacts of which this machine lacks objects. */
  readonly missing: readonly Artifact[];
  readonly failures: readonly PipelineError[];
}

interface Sending {
  readonly hash: ContentHash;
  readonly size: number;
}

/**
 * Sends what a remote lacks: files first, then the manifests whose files are all there, then run-cache entries.
 * What was sent stays sent, so the next call continues where this one stopped.
 */
export async function push(options: PushOptions): Promise<PushResult> {
  const { cache, remote, name, emit, signal } = options;
  if (remote.limits.readOnly) throw readOnly(name);
  const wanted = [...options.artifacts, ...options.results.flatMap((result) => result.outs)];
  const { objects, unknown } = collectObjects(cache, wanted);
  const all = [...objects.files, ...objects.trees.keys()];
  const present = await findPresent(remote, all, signal);
  const lacking = new Set<ContentHash>();
  const sendings = (hashes: Iterable<ContentHash>): readonly Sending[] => {
    const found: Sending[] = [];
    for (const hash of hashes) {
      const size = lstatSync(cache.pathOf(hash), { throwIfNoEntry: false })?.size;
      const there = present.get(objectPath(hash));
      // An object of another size was cut off when it was stored.
      if (there !== undefined && (size === undefined || there === size)) continue;
      if (size === undefined) lacking.add(hash);
      else found.push({ hash, size });
    }
    return found;
  };
  const files = sendings(objects.files);
  const trees = sendings(objects.trees.keys());
  const total = { objects: files.length + trees.length, size: sum(files) + sum(trees) };
  emit({ type: 'transfer-started', direction: 'push', remote: name, ...total });
  const failed = new Map<ContentHash, PipelineError>();
  let done = { objects: 0, size: 0 };
  if (!options.dryRun) {
    const { corrupt } = await cache.check(files.map((file) => file.hash));
    for (const hash of corrupt) lacking.add(hash);
    const send = async (sending: Sending): Promise<void> => {
      if (lacking.has(sending.hash)) return;
      try {
        await remote.put(objectPath(sending.hash), bodyOf(cache, sending), signal);
      } catch (error) {
        if (!(error instanceof PipelineError) || signal.aborted) throw error;
        failed.set(sending.hash, error);
        emit({ type: 'object-refused', object: sending.hash, problem: toProblem(error) });
        return;
      }
      done = { objects: done.objects + 1, size: done.size + sending.size };
      emit({ type: 'transfer-progressed', direction: 'push', ...done });
    };
    await runPool(files, remote.limits.concurrency, send);
    await remote.flush?.(signal);
    const isComplete = ({ hash }: Sending): boolean =>
      (objects.trees.get(hash) ?? []).every((file) => !failed.has(file) && !lacking.has(file));
    await runPool(trees.filter(isComplete), remote.limits.concurrency, send);
    await remote.flush?.(signal);
    await pushEntries(options, new Set([...failed.keys(), ...lacking]));
  }
  const missing = [...unknown, ...wanted.filter((artifact) => isLacking(artifact, objects.trees, lacking))];
  const result: PushResult = {
    sent: options.dryRun ? total.objects : done.objects,
    size: options.dryRun ? total.size : done.size,
    present: all.length - total.objects - lacking.size,
    missing: [...new Map(missing.map((artifact) => [artifact.path, artifact])).values()],
    failures: [...failed.values()],
  };
  emit({
    type: 'transfer-finished',
    direction: 'push',
    remote: name,
    objects: result.sent,
    size: result.size,
    present: result.present,
    missing: result.missing.length,
    failed: failed.size,
  });
  return result;
}

/** Entries go last, and only with every object they name. */
async function pushEntries(
  { cache, remote, results, signal }: PushOptions,
  absent: ReadonlySet<ContentHash>,
): Promise<void> {
  if (results.length === 0) return;
  const present = new Map<string, number>();
  for await (const { key, size } of remote.list('runs/', signal)) present.set(key, size);
  await runPool(results, remote.limits.concurrency, async (result) => {
    const { objects, unknown } = collectObjects(cache, result.outs);
    if (unknown.length > 0 || [...objects.files, ...objects.trees.keys()].some((hash) => absent.has(hash)))
      return;
    const bytes = Buffer.from(formatRunEntry(result));
    const key = entryPathOf(result.fingerprint);
    if (present.get(key) === bytes.length) return;
    await remote.put(key, { size: bytes.length, open: () => Readable.from([bytes]) }, signal);
  });
  await remote.flush?.(signal);
}

function bodyOf(cache: Cache, { hash, size }: Sending): Body {
  const file = cache.pathOf(hash);
  return { size, file, hash, open: () => createReadStream(file) };
}

function isLacking(
  artifact: Artifact,
  trees: ReadonlyMap<ContentHash, readonly ContentHash[]>,
  lacking: ReadonlySet<ContentHash>,
): boolean {
  return lacking.has(artifact.hash) || (trees.get(artifact.hash) ?? []).some((hash) => lacking.has(hash));
}

function sum(sendings: readonly Sending[]): number {
  return sendings.reduce((total, { size }) => total + size, 0);
}

function readOnly(name: string): PipelineError {
  return new PipelineError('remote.read-only', `the remote "${name}" can only be read`, {
    exit: EXIT.user,
    hint: 'name another one with --remote',
  });
}
