import { join } from 'node:path';
import type { Artifact } from '../base/types.ts';
import { readSealedJson, writeSealedJson } from '../io/sealed.ts';

/** Who restores tracked inputs, where stages restore their outs. */
export const DATA = 'data';

/** Path → what stood there, as `markOf` says it. */
export type Stood = ReadonlyMap<string, string>;

/** All of an artifact that the lock holds it to. */
export function markOf({ hash, exec }: Pick<Artifact, 'hash' | 'exec'>): string {
  return exec === true ? `${hash} exec` : hash;
}

/**
 * What tracked inputs were when they were last recorded, or brought here as the lock said: an input that still is so, and is
 * not what the lock says, was changed by nobody. It is the lock that has moved, with git. Damaged, it counts as empty.
 */
export function readStood(stateDir: string): Stood {
  return new Map(Object.entries((readSealedJson(pathIn(stateDir)) ?? {}) as Record<string, string>));
}

export function noteStood(stateDir: string, artifacts: readonly Artifact[]): void {
  const before = readStood(stateDir);
  if (artifacts.every((one) => before.get(one.path) === markOf(one))) return;
  const now = new Map([...before, ...artifacts.map((one) => [one.path, markOf(one)] as const)]);
  writeSealedJson(pathIn(stateDir), Object.fromEntries(now));
}

function pathIn(stateDir: string): string {
  return join(stateDir, 'data');
}
