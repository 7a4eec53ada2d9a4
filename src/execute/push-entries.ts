import { Readable } from 'node:stream';
import type { Body, Remote } from '../base/remote.ts';
import type { StageLock } from '../base/types.ts';
import { entryPathOf, formatRunEntry } from '../record/runs.ts';

/** A run-cache entry on its way to a remote. */
export interface EntrySending {
  readonly key: string;
  readonly size: number;
  readonly body: Body;
  readonly result: StageLock;
}

/** Which run-cache entries a remote lacks or has in another size, and how many it has; one listing. */
export async function planEntries(
  remote: Remote,
  results: readonly StageLock[],
  signal: AbortSignal,
): Promise<{ readonly sendings: readonly EntrySending[]; readonly present: number }> {
  if (results.length === 0) return { sendings: [], present: 0 };
  const there = new Map<string, number>();
  for await (const { key, size } of remote.list('runs/', signal)) there.set(key, size);
  const sendings = results.flatMap((result): readonly EntrySending[] => {
    const bytes = Buffer.from(formatRunEntry(result));
    const key = entryPathOf(result.fingerprint);
    if (there.get(key) === bytes.length) return [];
    const body = { size: bytes.length, open: () => Readable.from([bytes]) };
    return [{ key, size: bytes.length, body, result }];
  });
  return { sendings, present: results.length - sendings.length };
}
