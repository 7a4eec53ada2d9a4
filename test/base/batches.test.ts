import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inBatches } from '../../src/base/batches.ts';
import type { HashAlgorithm } from '../../src/base/types.ts';

const objects = (algorithm: HashAlgorithm, sizes: readonly number[]) =>
  sizes.map((size) => ({ hash: `${algorithm}:` as const, size }));

test('a batch ends with its last object or with the one that fills it, and each has one algorithm', () => {
  const mixed = [...objects('md5', [1, 1]), ...objects('sha256', [9, 1, 10, 30]), ...objects('md5', [1, 1])];
  const batches = [...inBatches(mixed, { objects: 3, bytes: 10 })];
  assert.deepEqual(
    batches.map(([algorithm, some]) => `${algorithm} ${some.map(({ size }) => size).join()}`),
    ['sha256 9,1', 'sha256 10', 'sha256 30', 'md5 1,1,1', 'md5 1'],
  );
  assert.deepEqual([...inBatches([], { objects: 3, bytes: 10 })], []);
});
