import { Readable } from 'node:stream';
import type { Body, Remote } from '../base/remote.ts';
import type { StageLock } from '../base/types.ts';
import { entryPathOf, formatRunEntry } from '../record/runs.ts';
import { runPool } from './pool.ts';
import { readEntry } from './remote-entries.ts';
import { concernsOneObject } from './transfer-plan.ts';

/** A run-cache entry on its way to a remote. */
export interface EntrySending {
  readonly key: string;
  readonly size: number;
  readonly body: Body;
  readonly result: StageLock;
}

/**
 * Which run-cache entries a remote lacks or has otherwise, and how many it has; one listing. Their names say nothing of
 * their bytes, and two results of one fingerprint are often of one size, so those of the right size are read.
 */
export async function planEntries(
  remote: Remote,
  results: readonly StageLock[],
  signal: AbortSignal,
): Promise<{ readonly sendings: readonly EntrySending[]; readonly present: number }> {
  if (results.length === 0) return { sendings: [], present: 0 };
  const there = new Map<string, number>();
  for await (const { key, size } of remote.list('runs/', signal)) there.set(key, size);
  const sendings: EntrySending[] = [];
  await runPool(results, remote.limits.concurrency, async (result) => {
    const bytes = Buffer.from(formatRunEntry(result));
    const size = bytes.length;
    const key = entryPathOf(result.fingerprint);
    if (there.get(key) === size && (await isThere(remote, { key, bytes, signal }))) return;
    sendings.push({ key, size, body: { size, open: () => Readable.from([bytes]) }, result });
  });
  return { sendings, present: results.length - sendings.length };
}

async function isThere(
  remote: Remote,
  { key, bytes, signal }: { readonly key: string; readonly bytes: Buffer; readonly signal: AbortSignal },
): Promise<boolean> {
  try {
    return bytes.equals(await readEntry(remote, key, signal));
  } catch (error) {
    if (!concernsOneObject(error) || signal.aborted) throw error;
    return false;
  }
}
