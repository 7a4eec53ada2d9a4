import { PipelineError } from '../base/error.ts';
import type { Remote, Source } from '../base/remote.ts';
import type { StageLock } from '../base/types.ts';
import { entryPathOf, parseRunEntry } from '../record/runs.ts';
import { runPool } from './pool.ts';
import { readSource } from './read-source.ts';
import { concernsOneObject } from './transfer-plan.ts';

/** An entry is a fingerprint and some hashes; what is larger is none. */
const MAX_BYTES = 16 * 1024 * 1024;
/** So often an entry is asked for whose bytes break off. */
const TRIES = 3;

export interface FetchResultsOptions {
  readonly remote: Remote;
  /** Keys of entries, `runs/…`. */
  readonly keys: readonly string[];
  /** False for an entry that is of no use here. */
  readonly accepts: (result: StageLock) => boolean;
  readonly signal: AbortSignal;
}

/**
 * Reads run-cache entries of a remote, which anyone who may write there may have made up: only those whose name is the
 * hash of their own fingerprint are given back. Their bytes are not here yet, so none may enter the run cache.
 */
export async function fetchResults(options: FetchResultsOptions): Promise<readonly StageLock[]> {
  const { remote, keys, accepts, signal } = options;
  const results: StageLock[] = [];
  await runPool(keys, remote.limits.concurrency, async (key) => {
    try {
      const result = parseRunEntry(await readAll(remote, key, signal));
      if (result && entryPathOf(result.fingerprint) === key && accepts(result)) results.push(result);
    } catch (error) {
      if (!concernsOneObject(error) || signal.aborted) throw error;
    }
  });
  return results;
}

/** Keys of the entries that a remote lists and `has` does not know. */
export async function listEntries(
  remote: Remote,
  has: (key: string) => boolean,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (remote.limits.listless) {
    throw new PipelineError(
      'remote.listless',
      'this remote cannot list what it has, so its run cache is unknown',
      {
        hint: 'leave --run-cache out; "lockstep repro --pull" asks for what it needs by name',
      },
    );
  }
  const keys: string[] = [];
  for await (const { key, size } of remote.list('runs/', signal))
    if (/^runs\/[0-9a-f]{2}\/[0-9a-f]{62}$/.test(key) && size <= MAX_BYTES && !has(key)) keys.push(key);
  return keys.sort();
}

/** Under the key of an entry the bytes may have changed meanwhile: what broke off begins anew, nobody goes on behind it. */
async function readAll(remote: Remote, key: string, signal: AbortSignal): Promise<Buffer> {
  for (let tries = 1; ; tries++) {
    const source = await remote.get(key, signal);
    try {
      return await readEntry(source, signal);
    } catch (error) {
      signal.throwIfAborted();
      const mayPass = error instanceof PipelineError && error.retryable;
      if (!mayPass || tries === TRIES) throw error;
    }
  }
}

async function readEntry(source: Source, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of readSource(source, signal)) {
    size += chunk.length;
    if (size > MAX_BYTES) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
