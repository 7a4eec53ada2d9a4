import type { Remote } from '../base/remote.ts';
import type { StageLock } from '../base/types.ts';
import type { OpenProject } from '../execute/open-project.ts';
import { isLaterEntry, parseEntryAt } from '../record/runs.ts';
import { runPool } from './pool.ts';
import { corruptEntry, readEntry } from './remote-entries.ts';
import { concernsOneObject } from './transfer-plan.ts';

export interface FetchResultsOptions extends Pick<OpenProject, 'emit' | 'signal'> {
  readonly remote: Remote;
  readonly name: string;
  /** Keys of entries, `runs/…`. */
  readonly keys: readonly string[];
  /** False for an entry that is of no use here. */
  readonly accepts: (result: StageLock) => boolean;
}

/**
 * Reads run-cache entries of a remote, which anyone who may write there may have made up: only those whose name is the
 * hash of their own fingerprint are given back; each other one is told, but for those of a newer lockstep. Their bytes are
 * not here yet, so none may enter the run cache.
 */
export async function fetchResults(options: FetchResultsOptions): Promise<readonly StageLock[]> {
  const { remote, name, keys, accepts, emit, signal } = options;
  const results: StageLock[] = [];
  await runPool(keys, remote.limits.concurrency, async (key) => {
    try {
      const bytes = await readEntry(remote, key, signal);
      const result = parseEntryAt(key, bytes);
      if (result && accepts(result)) results.push(result);
      else if (!result && !isLaterEntry(bytes)) emit({ type: 'warned', problem: corruptEntry(key, name) });
    } catch (error) {
      if (!concernsOneObject(error) || signal.aborted) throw error;
    }
  });
  return results;
}
