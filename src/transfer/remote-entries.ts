import { PipelineError } from '../base/error.ts';
import type { Problem } from '../base/error.ts';
import type { Remote } from '../base/remote.ts';
import { isEntryPath } from '../record/runs.ts';
import { readWhole } from './read-source.ts';

/** An entry is a fingerprint and some hashes; what is larger is none. */
const MAX_BYTES = 16 * 1024 * 1024;
/** So often an entry is asked for whose bytes break off. */
const TRIES = 3;

/** Keys of the run-cache entries that a remote lists, in order. Throws `remote.listless`. */
export async function listEntries(remote: Remote, signal: AbortSignal): Promise<readonly string[]> {
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
    if (isEntryPath(key) && size <= MAX_BYTES) keys.push(key);
  return keys.sort();
}

/** What is to be said of an entry of a remote that is not what its name says. */
export function corruptEntry(key: string, remote: string): Problem {
  return {
    code: 'remote.corrupt',
    message: `the past result "${key}" is not what its name says (remote "${remote}")`,
    hint: `run "lockstep push --run-cache --remote ${remote}" on a machine that has that result, or delete it there`,
  };
}

/** Under the key of an entry the bytes may have changed meanwhile: what broke off begins anew, nobody goes on behind it. */
export async function readEntry(remote: Remote, key: string, signal: AbortSignal): Promise<Buffer> {
  for (let tries = 1; ; tries++) {
    const source = await remote.get(key, signal);
    try {
      return await readWhole(source, signal, MAX_BYTES);
    } catch (error) {
      signal.throwIfAborted();
      const mayPass = error instanceof PipelineError && error.retryable;
      if (!mayPass || tries === TRIES) throw error;
    }
  }
}
