import assert from 'node:assert/strict';
import fs, {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { TestContext } from 'node:test';
import { PipelineError } from '../../src/base/error.ts';
import { hashBytes } from '../../src/base/hash.ts';
import type { Artifact, ContentHash, RelPath } from '../../src/base/types.ts';
import { lookOf } from '../../src/io/hash-file.ts';
import type { Cache } from '../../src/store/cache.ts';
import type { Checked } from '../../src/store/check-objects.ts';
import { ingest, ingestTree } from '../../src/store/ingest.ts';
import { place } from '../../src/store/place.ts';
import { openCache } from './open-cache.ts';

interface Home {
  readonly root: string;
  readonly cache: Cache;
  readonly corrupt: readonly ContentHash[];
  /** Writes a file and lets it into the cache. */
  readonly put: (name: string, text: string, sharing?: 'share' | 'own') => Promise<Artifact>;
}

function home(aheadMs = 0): Home {
  const root = mkdtempSync(join(tmpdir(), 'lockstep-place-'));
  after(() => rmSync(root, { recursive: true, force: true }));
  const corrupt: ContentHash[] = [];
  const cache = openCache(root, { onCorrupt: (hash) => void corrupt.push(hash), aheadMs });
  mkdirSync(join(root, '.lockstep'), { recursive: true });
  return {
    root,
    cache,
    corrupt,
    async put(name, text, sharing = 'share') {
      const path = join(root, name);
      writeFileSync(path, text);
      const hash = hashBytes('sha256', text);
      await ingest(cache, [{ path, hash, size: text.length, sharing }]);
      return { path: name as RelPath, hash, kind: 'file', size: text.length };
    },
  };
}

/** Of a check, what is wrong. */
function faultsIn({ missing, corrupt }: Checked): Record<string, readonly ContentHash[]> {
  return { missing: [...missing], corrupt: [...corrupt] };
}

/** What has not become an object. */
function tempsIn(root: string): readonly string[] {
  const names = readdirSync(join(root, '.lockstep/files'), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.tmp'));
}

const SHARE = { sharing: 'share', folds: false } as const;

test('bytes that are no longer what was hashed are not let in, and nothing is left behind', async () => {
  for (const sharing of ['share', 'own'] as const) {
    const { root, cache } = home();
    writeFileSync(join(root, 'x'), 'changed');
    const hash = hashBytes('sha256', 'hashed');
    await assert.rejects(
      ingest(cache, [{ path: join(root, 'x'), hash, size: 6, sharing }]),
      (error: unknown) => error instanceof PipelineError && error.code === 'out.changed',
    );
    assert.equal(cache.has(hash), false);
  }
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

/** Makes `link` do something else, until it is restored or the test ends. */
function replaceLink(t: TestContext, act: typeof fs.linkSync): { readonly restore: () => void } {
  const linking = t.mock.method(fs, 'linkSync', act);
  syncBuiltinESMExports();
  const restore = (): void => {
    linking.mock.restore();
    syncBuiltinESMExports();
  };
  t.after(restore);
  return { restore };
}

/** As where an inode has as many names as the file system allows, or another owner. */
function refuseLinks(t: TestContext, code = 'EMLINK'): { readonly restore: () => void } {
  return replaceLink(t, () => {
    throw Object.assign(new Error(`${code}: injected`), { code, syscall: 'link' });
  });
}

test('what is copied because a link is refused is hashed on the way', async (t) => {
  const { root, cache, put } = home();
  const artifact = await put('x', 'text');
  if (cache.linker().type !== 'hardlink') return t.skip('no hardlinks here');
  const object = cache.pathOf(artifact.hash);
  unlinkSync(object);
  writeFileSync(object, 'evil', { mode: 0o444 });
  // As when the bytes rot behind a look that stays.
  cache.memo.remember(lookOf(lstatSync(object)), artifact.hash, { seenAt: 0, object: true });
  assert.deepEqual(faultsIn(await cache.check([artifact.hash])), { missing: [], corrupt: [] });
  refuseLinks(t);
  await assert.rejects(
    place(cache, artifact, { to: join(root, 'restored'), ...SHARE }),
    (error: unknown) => error instanceof PipelineError && error.code === 'object.corrupt',
  );
  assert.ok(!existsSync(join(root, 'restored')) && !cache.has(artifact.hash));
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
  assert.equal(cache.memo.isVerifiedObject(lstatSync(join(root, 'x')), hash), false);
  assert.deepEqual(faultsIn(await cache.check([hash])), { missing: [], corrupt: [hash] });
});

test('an object that cannot be read is not taken for a damaged one', async (t) => {
  const { cache, put } = home();
  const { hash } = await put('x', 'text');
  cache.memo.remember({ ...lookOf(lstatSync(cache.pathOf(hash))), mtimeMs: 1 }, hash, {
    seenAt: 0,
    object: true,
  });
  const failure = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' });
  const failing = t.mock.method(fs, 'readSync', () => {
    throw failure;
  });
  syncBuiltinESMExports();
  await assert.rejects(cache.check([hash]), failure);
  failing.mock.restore();
  syncBuiltinESMExports();
  assert.ok(cache.has(hash));
  assert.deepEqual(faultsIn(await cache.check([hash])), { missing: [], corrupt: [] });
});

/** Does something as soon as the next file that is read has been closed. */
function onceRead(t: TestContext, act: () => void): void {
  const { closeSync } = fs;
  const closing = t.mock.method(fs, 'closeSync', (fd: number) => {
    closeSync(fd);
    closing.mock.restore();
    syncBuiltinESMExports();
    act();
  });
  syncBuiltinESMExports();
}

test('what is written to an object while it is hashed is not believed', async (t) => {
  const { cache, put } = home();
  const { hash } = await put('x', 'text');
  const object = cache.pathOf(hash);
  cache.memo.remember({ ...lookOf(lstatSync(object)), mtimeMs: 1 }, hash, { seenAt: 0, object: true });
  onceRead(t, () => {
    chmodSync(object, 0o644);
    writeFileSync(object, 'evil');
    chmodSync(object, 0o444);
  });
  await cache.check([hash]);
  assert.deepEqual(faultsIn(await cache.check([hash])), { missing: [], corrupt: [hash] });
});

test('a good object that another process puts in place of a rotten one, while that is read, stays', async (t) => {
  const { root, cache, put, corrupt } = home();
  const { hash } = await put('x', 'text');
  const object = cache.pathOf(hash);
  rmSync(object);
  writeFileSync(object, 'evil', { mode: 0o444 });
  writeFileSync(join(root, 'good'), 'text', { mode: 0o444 });
  onceRead(t, () => renameSync(join(root, 'good'), object));
  await cache.check([hash]);
  assert.deepEqual(corrupt, []);
  assert.equal(readFileSync(object, 'utf8'), 'text');
  assert.deepEqual(faultsIn(await cache.check([hash])), { missing: [], corrupt: [] });
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
  const { root, cache, put } = home();
  const [a, b] = [await put('a', 'aaa'), await put('b', 'bbb')];
  const entries = [
    { relpath: 'a', hash: a.hash },
    { relpath: 'd/b', hash: b.hash },
  ];
  const tree: Artifact = {
    path: 'out' as RelPath,
    hash: ingestTree(cache, entries, 'sha256'),
    kind: 'tree',
    size: 6,
    files: 2,
  };
  await place(cache, tree, { to: join(root, 'whole'), ...SHARE });
  assert.equal(readFileSync(join(root, 'whole/d/b'), 'utf8'), 'bbb');
  unlinkSync(cache.pathOf(b.hash));
  await assert.rejects(
    place(cache, tree, { to: join(root, 'part'), ...SHARE }),
    (error: unknown) =>
      error instanceof PipelineError &&
      error.code === 'object.missing' &&
      error.message === 'the cache lacks 1 of the objects of "out"',
  );
  assert.equal(lstatSync(join(root, 'part'), { throwIfNoEntry: false }), undefined);
});

test('names that one file system takes for the same are refused there before anything is written', async () => {
  const { root, cache, put } = home();
  const { hash } = await put('a', 'aaa');
  for (const [one, two] of [
    ['A.txt', 'a.txt'],
    ['Dir/x', 'dir/y'],
    ['\u00E9', 'e\u0301'],
  ] as const) {
    const entries = [one, two].map((relpath) => ({ relpath, hash }));
    const tree: Artifact = {
      path: 'out' as RelPath,
      hash: ingestTree(cache, entries, 'sha256'),
      kind: 'tree',
      size: 6,
      files: 2,
    };
    const to = join(root, `to-${one}`);
    await assert.rejects(
      place(cache, tree, { to, sharing: 'share', folds: true }),
      (error: unknown) => error instanceof PipelineError && error.code === 'path.twins',
    );
    assert.equal(lstatSync(to, { throwIfNoEntry: false }), undefined);
    await place(cache, tree, { to, ...SHARE });
  }
});

test('objects are checked once; one that is touched is checked again', async () => {
  const { cache, corrupt, put } = home();
  const { hash } = await put('a', 'aaa');
  assert.deepEqual(faultsIn(await cache.check([hash, hash])), { missing: [], corrupt: [] });
  unlinkSync(cache.pathOf(hash));
  writeFileSync(cache.pathOf(hash), 'bbb', { mode: 0o444 });
  assert.deepEqual(faultsIn(await cache.check([hash])), { missing: [], corrupt: [hash] });
  assert.deepEqual(corrupt, [hash]);
  assert.deepEqual(faultsIn(await cache.check([hash])), { missing: [hash], corrupt: [] });
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
  await assert.rejects(
    ingest(cache, files),
    (error: unknown) =>
      error instanceof PipelineError &&
      error.code === 'out.changed' &&
      error.message.includes(`"${first.path}"`),
  );
  assert.equal(cache.lacking(files.map((file) => file.hash)).size, 1400);
  assert.deepEqual(tempsIn(root), []);
  writeFileSync(first.path, 'file 0');
  await ingest(cache, files);
  for (const { path, hash } of files) {
    assert.equal(lstatSync(path).nlink, 1);
    const object = cache.pathOf(hash);
    assert.equal(readFileSync(object, 'utf8'), readFileSync(path, 'utf8'));
    assert.equal(lstatSync(object).mode & 0o777, 0o444);
    assert.ok(cache.memo.isVerifiedObject(lstatSync(object), hash));
  }
});

test('of copies that were made ready one becomes the object of equal files, and none is left', async () => {
  const { root, cache } = home();
  const hash = hashBytes('sha256', 'text');
  const files = ['a', 'b'].map((name) => {
    const copy = cache.newTemp();
    for (const path of [join(root, name), copy]) writeFileSync(path, 'text');
    const ready = { copy, look: lookOf(lstatSync(copy)) };
    return { path: join(root, name), hash, size: 4, sharing: 'own', ready } as const;
  });
  await ingest(cache, files);
  assert.equal(readFileSync(cache.pathOf(hash), 'utf8'), 'text');
  assert.deepEqual(tempsIn(root), []);
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
    const { root, cache, put } = home(aheadMs);
    const { hash } = await put('x', 'text', 'own');
    const tree: Artifact = {
      path: 'out' as RelPath,
      hash: ingestTree(cache, [{ relpath: 'a', hash }], 'sha256'),
      kind: 'tree',
      size: 4,
      files: 1,
    };
    await place(cache, tree, { to: join(root, 'made'), sharing: 'own', folds: false });
    if (cache.linker().type === 'reflink') return;
    renameSync(join(root, 'made'), join(root, 'out'));
    const known = cache.memo.lookup(lstatSync(join(root, 'out/a')), 'sha256');
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

test('a thousand files are copied, writable, equal ones too; one whose object rotted is found on the way', async () => {
  const { root, cache } = home(60_000);
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
  const hash = ingestTree(cache, entries, 'sha256');
  const artifact: Artifact = { path: 'out' as RelPath, hash, kind: 'tree', size: 0 };
  const to = join(root, 'placed');
  await place(cache, artifact, { to, sharing: 'own', folds: false });
  for (const [index, { relpath, hash: expected }] of entries.entries()) {
    const stat = lstatSync(join(to, relpath));
    assert.equal(readFileSync(join(to, relpath), 'utf8'), texts[index]);
    assert.deepEqual([stat.mode & 0o777, stat.nlink], [0o666 & ~process.umask(), 1]);
    assert.equal(cache.memo.lookup(stat, 'sha256'), expected);
  }
  const rotten = entries[500]?.hash ?? 'sha256:';
  const object = cache.pathOf(rotten);
  unlinkSync(object);
  writeFileSync(object, 'rot', { mode: 0o444 });
  cache.memo.remember(lookOf(lstatSync(object)), rotten, { seenAt: 0, object: true });
  await assert.rejects(
    place(cache, artifact, { to: join(root, 'again'), sharing: 'own', folds: false }),
    (error: unknown) => error instanceof PipelineError && error.code === 'object.corrupt',
  );
  assert.equal(cache.has(rotten), false);
});
