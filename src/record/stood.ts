import { join } from 'node:path';
import type { Artifact } from '../base/types.ts';
import { readSealed, writeSealed } from '../io/sealed.ts';

/** Path → content hash. */
export type Stood = ReadonlyMap<string, string>;

/**
 * What tracked inputs were when they were last recorded, or brought here as the lock said: an input that still is so, and is
 * not what the lock says, was changed by nobody. It is the lock that has moved, with git. Damaged, it counts as empty.
 */
export function readStood(stateDir: string): Stood {
  const data = readSealed(pathOf(stateDir));
  return new Map(data && Object.entries(JSON.parse(data.toString('utf8')) as Record<string, string>));
}

export function noteStood(stateDir: string, artifacts: readonly Artifact[]): void {
  const before = readStood(stateDir);
  if (artifacts.every(({ path, hash }) => before.get(path) === hash)) return;
  const now = new Map([...before, ...artifacts.map(({ path, hash }) => [path, hash] as const)]);
  writeSealed(pathOf(stateDir), Buffer.from(JSON.stringify(Object.fromEntries(now))));
}

function pathOf(stateDir: string): string {
  return join(stateDir, 'data');
}
