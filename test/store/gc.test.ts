import assert from 'node:assert/strict';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hashBytes } from '../../src/base/hash.ts';
import type { Artifact, ContentHash, RelPath } from '../../src/base/types.ts';
import { findGarbage } from '../../src/store/gc.ts';
import { ingest, ingestTree } from '../../src/store/ingest.ts';
import { tempFolder } from '../record/rig.ts';
import { openCache } from './open-cache.ts';

test('garbage of every algorithm is found, manifests first: what refers goes before what it refers to', async () => {
  const root = tempFolder();
  const cache = openCache(root);
  writeFileSync(join(root, 'x'), 'text');
  const trees: ContentHash[] = [];
  const files: ContentHash[] = [];
  for (const algorithm of ['sha256', 'md5'] as const) {
    const hash = hashBytes(algorithm, 'text');
    await ingest(cache, [{ path: join(root, 'x'), hash, size: 4, sharing: 'own' }]);
    files.push(hash);
    trees.push(...['a', 'b', 'c'].map((relpath) => ingestTree(cache, [{ relpath, hash }], algorithm)));
  }
  const found = findGarbage(cache, []).garbage.map(({ hash }) => hash);
  assert.deepEqual(new Set(found.slice(0, trees.length)), new Set(trees));
  assert.deepEqual(new Set(found.slice(trees.length)), new Set(files));
  const [hash = 'sha256:'] = trees;
  const artifact: Artifact = { path: 'out' as RelPath, hash, kind: 'tree', size: 4, files: 1 };
  const kept = [hash, hashBytes('sha256', 'text')];
  assert.deepEqual(
    new Set(findGarbage(cache, [artifact]).garbage.map((one) => one.hash)),
    new Set(found.filter((one) => !kept.includes(one))),
  );
  // Sound, but the list of another folder: by it the files of this one would be garbage.
  rmSync(cache.pathOf(hash));
  copyFileSync(cache.pathOf(trees[1] ?? 'sha256:'), cache.pathOf(hash));
  assert.throws(() => findGarbage(cache, [artifact]), { code: 'gc.damaged' });
});
