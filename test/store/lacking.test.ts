import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { hashBytes, objectPath } from '../../src/base/hash.ts';
import type { ContentHash, HashAlgorithm } from '../../src/base/types.ts';
import { findLacking } from '../../src/store/lacking.ts';
import { tempFolder } from '../record/rig.ts';

const hashesOf = (count: number, algorithm: HashAlgorithm = 'sha256'): readonly ContentHash[] =>
  Array.from({ length: count }, (_, index) => hashBytes(algorithm, `file ${index}`));

/** A cache with the given objects, and what was asked of it one by one. */
function cacheOf(objects: readonly ContentHash[]): {
  readonly asked: Set<ContentHash>;
  readonly lacking: (hashes: Iterable<ContentHash>) => ReadonlySet<ContentHash>;
} {
  const dir = tempFolder();
  const there = new Set(objects);
  for (const hash of objects) {
    mkdirSync(dirname(join(dir, objectPath(hash))), { recursive: true });
    writeFileSync(join(dir, objectPath(hash)), '');
  }
  const asked = new Set<ContentHash>();
  const has = (hash: ContentHash): boolean => {
    asked.add(hash);
    return there.has(hash);
  };
  return { asked, lacking: (hashes) => findLacking(dir, hashes, has) };
}

test('objects that are not there are named, of both algorithms, and nothing is lacking of nothing', () => {
  const [sha256, md5] = [hashesOf(1000), hashesOf(300, 'md5')];
  const manifest: ContentHash = `${hashBytes('sha256', 'manifest')}.dir`;
  const gone = [sha256[3], sha256[999], md5[7]].flatMap((hash) => hash ?? []);
  const { lacking } = cacheOf([...sha256, ...md5, manifest].filter((hash) => !gone.includes(hash)));
  assert.deepEqual(lacking([...sha256, ...md5, manifest, ...gone]), new Set(gone));
  assert.deepEqual(lacking([]), new Set());
});

test('a cache that is not there yet lacks everything', () => {
  const { lacking } = cacheOf([]);
  const hashes = hashesOf(500);
  assert.deepEqual(lacking(hashes), new Set(hashes));
});

test('a few objects of a large cache are asked for one by one, many are found by listing', () => {
  const all = hashesOf(6000);
  const { lacking, asked } = cacheOf(all);
  assert.deepEqual(lacking(all), new Set());
  assert.equal(asked.size, 0);
  assert.deepEqual(lacking(all.slice(0, 200)), new Set());
  // One folder is listed to see how large the cache is.
  assert.ok(asked.size > 150, String(asked.size));
});
