import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isTreeHash, objectPath } from '../../src/base/hash.ts';
import type { ContentHash, StageLock } from '../../src/base/types.ts';
import { parseLock } from '../../src/record/lockfile.ts';
import { parseRunEntry } from '../../src/record/runs.ts';
import { parseManifest } from '../../src/store/tree.ts';
import { filesBelow } from './state.ts';

/** Every object that results consist of, by the manifests of a cache or remote that has all of these. */
export function objectsOf(store: string, hashes: readonly ContentHash[]): readonly string[] {
  return hashes.flatMap((hash) => [
    objectPath(hash),
    ...(isTreeHash(hash) ? filesOf(join(store, objectPath(hash))) : []),
  ]);
}

/** The objects that a manifest names. */
export function filesOf(manifest: string): readonly string[] {
  return parseManifest(readFileSync(manifest), 'sha256').map((entry) => objectPath(entry.hash));
}

export const hashesOf = (result: StageLock): readonly ContentHash[] => result.outs.map((out) => out.hash);

/** What manifests and run-cache entries of a cache or remote refer to and it does not have: `<who> -> <object>`. */
export function dangling(store: string): readonly string[] {
  const manifests = filesBelow(store, 'files').filter((name) => name.endsWith('.dir'));
  const referred = [
    ...manifests.map((name) => ({ name, objects: filesOf(join(store, name)) })),
    ...filesBelow(store, 'runs').map((name) => {
      const result = parseRunEntry(readFileSync(join(store, name)));
      if (!result) throw new Error(`${name} is no entry`);
      return { name, objects: hashesOf(result).map(objectPath) };
    }),
  ];
  return referred.flatMap(({ name, objects }) =>
    objects.filter((object) => !existsSync(join(store, object))).map((object) => `${name} -> ${object}`),
  );
}

/** What a lock refers to and a cache or remote does not have. */
export async function lackingOf(lock: string, store: string): Promise<readonly string[]> {
  const { stages, data } = await parseLock(lock);
  const hashes = [...[...stages.values()].flatMap(hashesOf), ...data.map(({ hash }) => hash)];
  const absent = hashes.map(objectPath).filter((object) => !existsSync(join(store, object)));
  if (absent.length > 0) return absent;
  return objectsOf(store, hashes).filter((object) => !existsSync(join(store, object)));
}
