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
export function readStood(path: string): Stood {
  return new Map(Object.entries((readSealedJson(path) ?? {}) as Record<string, string>));
}

export function noteStood(path: string, artifacts: readonly Artifact[]): void {
  const before = readStood(path);
  if (artifacts.every((one) => before.get(one.path) === markOf(one))) return;
  const now = new Map([...before, ...artifacts.map((one) => [one.path, markOf(one)] as const)]);
  writeSealedJson(path, Object.fromEntries(now));
}

export function pathOfStood(stateDir: string): string {
  return join(stateDir, 'data');
}
