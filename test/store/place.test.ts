import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hashBytes } from '../../src/base/hash.ts';
import type { Artifact, RelPath } from '../../src/base/types.ts';
import { lookOf } from '../../src/io/hash-file.ts';
import type { Cache } from '../../src/store/cache.ts';
import { ingest } from '../../src/store/ingest.ts';
import { place } from '../../src/store/place.ts';
import { faultsIn, home, refuseLinks, tempsIn } from './home.ts';

const SHARE = { sharing: 'share', folds: false } as const;

for (const code of ['EMLINK', 'EPERM'])
  test(`where one more name of an inode is refused with ${code}, files are copied`, async (t) => {
    const { root, cache, put } = home();
    const artifact = await put('x', 'text');
    if (cache.linker().type !== 'hardlink') return t.skip('no hardlinks here');
    const refusing = refuseLinks(t, code);
    await place(cache, artifact, { to: join(root, 'restored'), ...SHARE });
    assert.equal(readFileSync(join(root, 'restored'), 'utf8'), 'text');
    assert.equal(lstatSync(join(root, 'restored')).nlink, 1);
    await put('again', 'text');
    assert.equal(readFileSync(join(root, 'again'), 'utf8'), 'text');
    refusing.restore();
    await place(cache, artifact, { to: join(root, 'linked'), ...SHARE });
    assert.equal(lstatSync(join(root, 'linked')).ino, lstatSync(cache.pathOf(artifact.hash)).ino);
  });

test('what is copied because a link is refused is hashed on the way', async (t) => {
  const { root, cache, put } = home();
  const artifact = await put('x', 'text');
  if (cache.linker().type !== 'hardlink') return t.skip('no hardlinks here');
  const object = cache.pathOf(artifact.hash);
  unlinkSync(object);
  writeFileSync(object, 'evil', { mode: 0o444 });
  // As when the bytes rot behind a look that stays.
  cache.memo.remember(() => object, lookOf(lstatSync(object)), artifact.hash, { seenAt: 0, object: true });
  assert.deepEqual(faultsIn(await cache.check([artifact.hash])), { missing: [], corrupt: [] });
  refuseLinks(t);
  await assert.rejects(place(cache, artifact, { to: join(root, 'restored'), ...SHARE }), {
    code: 'object.corrupt',
  });
  assert.ok(!existsSync(join(root, 'restored')) && !cache.has(artifact.hash));
});

test('files on another device than the cache are copied, in and out', async (t) => {
  const { root, cache } = home();
  const shm = '/dev/shm';
  if (
    lstatSync(shm, { throwIfNoEntry: false })?.dev === undefined ||
    lstatSync(shm).dev === lstatSync(root).dev
  )
    return t.skip('there is no second device');
  const elsewhere = mkdtempSync(join(shm, 'lockstep-place-'));
  after(() => rmSync(elsewhere, { recursive: true, force: true }));
  const hash = hashBytes('sha256', 'text');
  for (const name of ['x', 'twin']) {
    writeFileSync(join(elsewhere, name), 'text');
    await ingest(cache, [{ path: join(elsewhere, name), hash, size: 4, sharing: 'share' }]);
    assert.equal(readFileSync(join(elsewhere, name), 'utf8'), 'text');
  }
  assert.equal(readFileSync(cache.pathOf(hash), 'utf8'), 'text');
  assert.deepEqual(tempsIn(root), []);
  const artifact: Artifact = { path: 'x' as RelPath, hash, kind: 'file', size: 4 };
  await place(cache, artifact, { to: join(elsewhere, 'y'), ...SHARE });
  assert.equal(readFileSync(join(elsewhere, 'y'), 'utf8'), 'text');
});

test('an artifact that the cache has only in part is not placed at all, and the count is told', async () => {
  const { root, cache, put, putTree } = home();
  const [a, b] = [await put('a', 'aaa'), await put('b', 'bbb')];
  const tree = putTree([
    { relpath: 'a', hash: a.hash },
    { relpath: 'd/b', hash: b.hash },
  ]);
  await place(cache, tree, { to: join(root, 'whole'), ...SHARE });
  assert.equal(readFileSync(join(root, 'whole/d/b'), 'utf8'), 'bbb');
  unlinkSync(cache.pathOf(b.hash));
  await assert.rejects(place(cache, tree, { to: join(root, 'part'), ...SHARE }), {
    code: 'object.missing',
    message: 'the cache lacks 1 of the objects of "out"',
  });
  assert.equal(lstatSync(join(root, 'part'), { throwIfNoEntry: false }), undefined);
});

test('names that one file system takes for the same are refused there before anything is written', async () => {
  const { root, cache, put, putTree } = home();
  const { hash } = await put('a', 'aaa');
  for (const [one, two] of [
    ['A.txt', 'a.txt'],
    ['Dir/x', 'dir/y'],
    ['\u00E9', 'e\u0301'],
  ] as const) {
    const tree = putTree([one, two].map((relpath) => ({ relpath, hash })));
    const to = join(root, `to-${one}`);
    await assert.rejects(place(cache, tree, { to, sharing: 'share', folds: true }), { code: 'path.twins' });
    assert.equal(lstatSync(to, { throwIfNoEntry: false }), undefined);
    await place(cache, tree, { to, ...SHARE });
  }
});

test('a file that is cloned is known, and need not be read by who looks next', async () => {
  const { root, cache, put } = home(60_000);
  const artifact = await put('x', 'text');
  const clone = (from: string, to: string): boolean => {
    writeFileSync(to, readFileSync(from));
    return true;
  };
  const cloning: Cache = { ...cache, linker: () => ({ ...cache.linker(), type: 'reflink', link: clone }) };
  const to = join(root, 'cloned');
  await place(cloning, artifact, { to, ...SHARE });
  assert.equal(
    cache.memo.lookup(() => to, lstatSync(to), 'sha256'),
    artifact.hash,
  );
});

test('a thousand files are copied, writable, equal ones too; one whose object rotted is found on the way', async (t) => {
  const { root, cache, putTree } = home(60_000);
  if (cache.linker().type === 'reflink') return t.skip('nothing is copied here');
  const texts = Array.from({ length: 1100 }, (_, index) => `text ${Math.floor(index / 2)}`);
  const names = texts.map((_, index) => `d${index % 7}/${index}`).sort();
  for (let folder = 0; folder < 7; folder++) mkdirSync(join(root, 'made', `d${folder}`), { recursive: true });
  const files = names.map((name, index) => {
    const text = texts[index] ?? '';
    writeFileSync(join(root, 'made', name), text);
    const hash = hashBytes('sha256', text);
    return { path: join(root, 'made', name), hash, size: text.length, sharing: 'own' } as const;
  });
  await ingest(cache, files);
  const entries = names.map((relpath, index) => ({ relpath, hash: files[index]?.hash ?? 'sha256:' }));
  const artifact = putTree(entries);
  const to = join(root, 'placed');
  await place(cache, artifact, { to, sharing: 'own', folds: false });
  for (const [index, { relpath, hash: expected }] of entries.entries()) {
    const path = join(to, relpath);
    const stat = lstatSync(path);
    assert.equal(readFileSync(path, 'utf8'), texts[index]);
    assert.deepEqual([stat.mode & 0o777, stat.nlink], [0o666 & ~process.umask(), 1]);
    assert.equal(
      cache.memo.lookup(() => path, stat, 'sha256'),
      expected,
    );
  }
  const rotten = entries[500]?.hash ?? 'sha256:';
  const object = cache.pathOf(rotten);
  unlinkSync(object);
  writeFileSync(object, 'rot', { mode: 0o444 });
  cache.memo.remember(() => object, lookOf(lstatSync(object)), rotten, { seenAt: 0, object: true });
  await assert.rejects(place(cache, artifact, { to: join(root, 'again'), sharing: 'own', folds: false }), {
    code: 'object.corrupt',
  });
  assert.equal(cache.has(rotten), false);
});
