import assert from 'node:assert/strict';
import fs, {
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { hashBytes } from '../../src/base/hash.ts';
import type { Artifact, ContentHash, RelPath } from '../../src/base/types.ts';
import { lookOf } from '../../src/io/hash-file.ts';
import type { ReadyBytes } from '../../src/io/hash-file.ts';
import { placeIn } from '../../src/io/incoming.ts';
import { ingest } from '../../src/store/ingest.ts';
import { place } from '../../src/store/place.ts';
import { faultsIn, home, replaceLink, tempsIn } from './home.ts';

test('bytes that are no longer what was hashed are not let in, and nothing is left behind', async () => {
  for (const sharing of ['share', 'own'] as const) {
    const { root, cache } = home();
    writeFileSync(join(root, 'x'), 'changed');
    const hash = hashBytes('sha256', 'hashed');
    await assert.rejects(ingest(cache, [{ path: join(root, 'x'), hash, size: 6, sharing }]), {
      code: 'out.changed',
    });
    assert.equal(cache.has(hash), false);
  }
});

test('a file that was edited since it was hashed is left alone where the cache has an object of that hash', async (t) => {
  const { root, cache, put } = home();
  if (cache.linker().type !== 'hardlink') return t.skip('no hardlinks here');
  const { hash } = await put('x', 'text', 'own');
  writeFileSync(join(root, 'y'), 'edit');
  await assert.rejects(ingest(cache, [{ path: join(root, 'y'), hash, size: 4, sharing: 'share' }]), {
    code: 'out.changed',
  });
  assert.equal(readFileSync(join(root, 'y'), 'utf8'), 'edit');
});

test('while a large file is copied into the cache and out of it, a Ctrl-C is heard', async (t) => {
  const { root, cache } = home();
  if (cache.linker().type === 'reflink') return t.skip('nothing is copied here');
  const bytes = Buffer.alloc(40 * 1024 * 1024);
  writeFileSync(join(root, 'x'), bytes);
  const hash = hashBytes('sha256', bytes);
  const hasTurns = async (work: Promise<void>): Promise<void> => {
    let turns = 0;
    const turn = setInterval(() => turns++, 0);
    await work;
    clearInterval(turn);
    assert.ok(turns > 0);
  };
  await hasTurns(ingest(cache, [{ path: join(root, 'x'), hash, size: bytes.length, sharing: 'own' }]));
  const artifact: Artifact = { path: 'x' as RelPath, hash, kind: 'file', size: bytes.length };
  await hasTurns(place(cache, artifact, { to: join(root, 'y'), sharing: 'own', folds: false }));
  assert.ok(readFileSync(join(root, 'y')).equals(bytes));
});

test('a file of its own never becomes one inode with its object', async () => {
  const { root, cache, put } = home();
  const { hash } = await put('x', 'text', 'own');
  assert.equal(lstatSync(join(root, 'x')).nlink, 1);
  assert.equal(lstatSync(join(root, 'x')).mode & 0o200, 0o200);
  assert.equal(lstatSync(cache.pathOf(hash)).mode & 0o777, 0o444);
  const artifact = await put('y', 'text', 'own');
  await place(cache, artifact, { to: join(root, 'z'), sharing: 'own', folds: false });
  assert.equal(lstatSync(join(root, 'z')).nlink, 1);
  assert.equal(lstatSync(cache.pathOf(hash)).nlink, 1);
});

test('an object that another process has just put there is not taken for one that was read', async (t) => {
  const { root, cache } = home();
  if (cache.linker().type !== 'hardlink') return t.skip('no hardlinks here');
  const hash = hashBytes('sha256', 'text');
  writeFileSync(join(root, 'x'), 'text');
  const { linkSync: link } = fs;
  replaceLink(t, (from, to) => {
    writeFileSync(to, 'evil', { mode: 0o444 });
    link(from, to);
  });
  await ingest(cache, [{ path: join(root, 'x'), hash, size: 4, sharing: 'share' }]);
  assert.equal(readFileSync(cache.pathOf(hash), 'utf8'), 'evil');
  assert.equal(
    cache.memo.isVerifiedObject(() => join(root, 'x'), lstatSync(join(root, 'x')), hash),
    false,
  );
  assert.deepEqual(faultsIn(await cache.check([hash])), { missing: [], corrupt: [hash] });
});

test('thousands of files of their own are copied in, equal ones once; one that is no longer what was hashed is named', async () => {
  const { root, cache } = home();
  mkdirSync(join(root, 'data'));
  const files = Array.from({ length: 1500 }, (_, index) => {
    const text = `file ${index % 1400}`;
    const path = join(root, 'data', String(index));
    writeFileSync(path, text);
    return { path, hash: hashBytes('sha256', text), size: text.length, sharing: 'own' as const };
  });
  const [first] = files;
  assert.ok(first);
  writeFileSync(first.path, 'changed');
  await assert.rejects(ingest(cache, files), {
    code: 'out.changed',
    message: `"${first.path}" changed while it was being read`,
  });
  assert.equal(cache.lacking(files.map((file) => file.hash)).size, 1400);
  assert.deepEqual(tempsIn(root), []);
  writeFileSync(first.path, 'file 0');
  await ingest(cache, files);
  for (const { path, hash } of files) {
    assert.equal(lstatSync(path).nlink, 1);
    const object = cache.pathOf(hash);
    assert.equal(readFileSync(object, 'utf8'), readFileSync(path, 'utf8'));
    assert.equal(lstatSync(object).mode & 0o777, 0o444);
    assert.ok(cache.memo.isVerifiedObject(() => object, lstatSync(object), hash));
  }
});

test('copies that were made ready become objects, all of a new folder at once; of equal files the one that is ready', async () => {
  const { root, cache, put } = home();
  const tempFolder = cache.newTempFolder();
  const makeReady = (hash: ContentHash, text: string): ReadyBytes => {
    const place = placeIn(tempFolder, cache.pathOf(hash));
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, text, { mode: 0o444 });
    return { copiedTo: tempFolder, look: lookOf(lstatSync(place)) };
  };
  const there = await put('there', 'there');
  const plain = Array.from({ length: 2000 }, (_, index) => {
    const [path, text] = [join(root, `${index}`), `text ${index}`];
    writeFileSync(path, text);
    return { path, hash: hashBytes('sha256', text), size: text.length, sharing: 'own' } as const;
  });
  const files = plain.map((file, index) => ({ ...file, ready: makeReady(file.hash, `text ${index}`) }));
  const folders = (parent: string): Map<string, number> =>
    new Map(readdirSync(parent).map((name) => [name, statSync(join(parent, name)).ino]));
  const waiting = folders(tempFolder);
  await ingest(cache, [...plain.slice(0, 1), ...files]);
  const named = folders(join(cache.dir, 'files/sha256'));
  const taken = there.hash.slice(7, 9);
  for (const [name, ino] of waiting) assert.equal(named.get(name) === ino, name !== taken, name);
  assert.deepEqual([...folders(tempFolder).keys()], [taken]);
  for (const { path, hash, ready } of files) {
    const object = cache.pathOf(hash);
    const look = lstatSync(object);
    assert.deepEqual(readFileSync(object), readFileSync(path));
    assert.equal(look.ino, ready.look.ino);
    assert.ok(cache.memo.isVerifiedObject(() => object, look, hash));
  }
});

test('a file that is its object already stays that, and makes one that has rotted anew', async () => {
  const { root, cache, put } = home();
  const { hash } = await put('x', 'text');
  const file = { path: join(root, 'x'), hash, size: 4, sharing: 'share' } as const;
  await ingest(cache, [file]);
  assert.deepEqual(tempsIn(root), []);
  const object = cache.pathOf(hash);
  unlinkSync(object);
  writeFileSync(object, 'evil', { mode: 0o444 });
  await ingest(cache, [file]);
  assert.equal(readFileSync(object, 'utf8'), 'text');
});

test('a copy that has been quiet when it is moved into place is known without being read again', async () => {
  for (const [aheadMs, isKnown] of [
    [10_000, true],
    [-10_000, false],
  ] as const) {
    const { root, cache, put, putTree } = home(aheadMs);
    const { hash } = await put('x', 'text', 'own');
    const tree = putTree([{ relpath: 'a', hash }]);
    await place(cache, tree, { to: join(root, 'made'), sharing: 'own', folds: false });
    if (cache.linker().type === 'reflink') return;
    renameSync(join(root, 'made'), join(root, 'out'));
    const path = join(root, 'out/a');
    const known = cache.memo.lookup(() => path, lstatSync(path), 'sha256');
    assert.equal(known, isKnown ? hash : undefined);
  }
});

test('a file that was written to between its sealing and its link does not become an object', async () => {
  const { root, cache } = home();
  const path = join(root, 'out');
  writeFileSync(path, 'as it was hashed');
  const hash = hashBytes('sha256', 'as it was hashed');
  const ready = { look: lstatSync(path) };
  const file = { path, hash, size: 16, sharing: 'share', ready } as const;
  writeFileSync(path, 'as it is now, by someone who had it open');
  await assert.rejects(ingest(cache, [file]), { code: 'out.changed' });
  assert.equal(cache.has(hash), false);
});
