import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RelPath } from '../../src/base/types.ts';
import { inBatches } from '../../src/execute/restore.ts';
import type { ToRestore } from '../../src/execute/restore.ts';
import { hashOf } from '../plan/rig.ts';

const GIB = 1024 * 1024 * 1024;

const item = (owner: string, size: number): ToRestore & { readonly owner: string } => ({
  owner,
  artifact: { path: 'a' as RelPath, hash: hashOf('a'), kind: 'file', size },
  sharing: 'own',
});

test('what is restored together is not too many, not too much, and no input with an out', () => {
  const many = Array.from({ length: 1200 }, () => item('data', 1));
  const cases = {
    none: [[], []],
    one: [[item('a', 3 * GIB)], [1]],
    kinds: [
      [item('a', 1), item('b', 1), item('data', 1), item('a', 1)],
      [2, 1, 1],
    ],
    many: [many, [500, 500, 200]],
    much: [
      [item('a', GIB), item('a', 1), item('a', GIB - 1), item('a', 1)],
      [1, 2, 1],
    ],
  } as const;
  for (const [name, [items, sizes]] of Object.entries(cases)) {
    const batches = [...inBatches(items)];
    assert.deepEqual(
      batches.map((batch) => batch.length),
      sizes,
      name,
    );
    assert.deepEqual(batches.flat(), items, name);
  }
});
