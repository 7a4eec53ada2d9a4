import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inBatches } from '../../src/base/batches.ts';
import type { ContentHash } from '../../src/base/types.ts';

test('a batch ends with its last object or with the one that fills it, and each has one algorithm', () => {
  const objects = (sizes: readonly number[], algorithm = 'sha256') =>
    sizes.map((size, index) => ({ hash: `${algorithm}:${index}` as ContentHash, size }));
  for (const [given, expected] of [
    [[], []],
    [
      [1, 1, 1, 1],
      [[1, 1, 1], [1]],
    ],
    [
      [9, 1, 10, 30, 3],
      [[9, 1], [10], [30], [3]],
    ],
  ]) {
    const batches = [...inBatches(objects(given as number[]), { objects: 3, bytes: 10 })];
    assert.deepEqual(
      batches.map(([, some]) => some.map(({ size }) => size)),
      expected,
    );
  }
  const mixed = [...objects([1], 'md5'), ...objects([2]), ...objects([3], 'md5')];
  assert.deepEqual(
    [...inBatches(mixed, { objects: 3, bytes: 10 })].map(([algorithm, some]) => [algorithm, some.length]),
    [
      ['sha256', 1],
      ['md5', 2],
    ],
  );
});
