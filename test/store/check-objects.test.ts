import assert from 'node:assert/strict';
import fs, {
  chmodSync,
  lstatSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { lookOf } from '../../src/io/hash-file.ts';
import { faultsIn, home } from './home.ts';

test('an object that cannot be read is not taken for a damaged one', async (t) => {
  const { cache, put } = home();
  const { hash } = await put('x', 'text');
  cache.memo.remember(
    () => cache.pathOf(hash),
    { ...lookOf(lstatSync(cache.pathOf(hash))), mtimeMs: 1 },
    hash,
    {
      seenAt: 0,
      object: true,
    },
  );
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
  cache.memo.remember(() => object, { ...lookOf(lstatSync(object)), mtimeMs: 1 }, hash, {
    seenAt: 0,
    object: true,
  });
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
