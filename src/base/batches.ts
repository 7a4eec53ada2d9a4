import { ALGORITHMS, algorithmOf, folderKey } from './hash.ts';
import type { SizedObject } from './remote.ts';
import type { HashAlgorithm } from './types.ts';

/** What one batch holds at the most; the object that comes to so many bytes or more is its last. */
export interface BatchLimits {
  readonly objects: number;
  readonly bytes: number;
}

/** Objects in batches, in their order, each of one algorithm. */
export function* inBatches<T extends SizedObject>(
  objects: readonly T[],
  limits: BatchLimits,
): Generator<readonly [HashAlgorithm, readonly T[]]> {
  for (const algorithm of ALGORITHMS) {
    const mine = objects.filter(({ hash }) => algorithmOf(hash) === algorithm);
    let from = 0;
    let bytes = 0;
    for (const [index, { size }] of mine.entries()) {
      bytes += size;
      const end = index + 1;
      if (end < mine.length && end - from < limits.objects && bytes < limits.bytes) continue;
      yield [algorithm, mine.slice(from, end)];
      from = end;
      bytes = 0;
    }
  }
}

/** The same objects, those of one folder (see `objectPath`) together. */
export function folderByFolder<T extends SizedObject>(objects: readonly T[]): readonly T[] {
  return [...Map.groupBy(objects, ({ hash }) => folderKey(hash)).values()].flat();
}
