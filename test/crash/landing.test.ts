import assert from 'node:assert/strict';
import { lstatSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import test from 'node:test';
import { sha256Hex } from '../../src/base/hash.ts';
import { createLanding } from '../../src/store/landing.ts';
import { formatManifest, hashManifest } from '../../src/store/tree.ts';
import { createRig } from '../rig.ts';
import { openCache } from '../store/open-cache.ts';
import { leftovers } from './state.ts';

test('a manifest that could not be let in is not tried again: the first error is told again', async () => {
  const rig = createRig({ manifest: '[]' });
  const cache = openCache(rig.root);
  const hash = `sha256:${sha256Hex('[]')}.dir` as const;
  const landing = createLanding(cache);
  await landing.receive(
    hash,
    { file: rig.path('manifest'), faultOf: (error) => error },
    new AbortController(),
  );
  const folder = dirname(cache.pathOf(hash));
  // A folder takes no file's place: the rename fails.
  rig.write(
    `.lockstep/files/sha256/${sha256Hex('[]').slice(0, 2)}/${sha256Hex('[]').slice(2)}.dir/in-the-way`,
    '',
  );
  // What is kept of an interrupted transfer is settled once more.
  for (let time = 0; time < 2; time++)
    await assert.rejects(
      landing.settle(() => true),
      { syscall: 'rename' },
    );
  assert.deepEqual(readdirSync(folder), [`${sha256Hex('[]').slice(2)}.dir`]);
});

test('a download for which no file can be opened is closed', async () => {
  const rig = createRig({ taken: '' });
  const landing = createLanding({ ...openCache(rig.root), newTemp: () => rig.path('taken') });
  const stream = Readable.from(['never read']);
  const { signal } = new AbortController();
  await assert.rejects(landing.receive(`sha256:${sha256Hex('x')}`, { stream }, { signal }), {
    code: 'EEXIST',
  });
  assert.ok(stream.destroyed);
});

test('a file is let in as an object, a manifest not before it is complete, and what was not is gone with a drop', async () => {
  const rig = createRig();
  const cache = openCache(rig.root);
  const file = `sha256:${sha256Hex('a')}` as const;
  const manifest = formatManifest([{ relpath: 'a', hash: file }], 'sha256');
  const tree = hashManifest(manifest, 'sha256');
  const landing = createLanding(cache);
  const { signal } = new AbortController();
  for (const [hash, bytes] of [
    [file, Buffer.from('a')],
    [tree, manifest],
  ] as const)
    await landing.receive(hash, { stream: Readable.from([bytes]) }, { signal });
  assert.deepEqual(landing.readTree(tree), [file]);
  await landing.settle(() => false);
  assert.deepEqual([landing.hasLetIn(file), landing.hasLetIn(tree)], [true, false]);
  const object = lstatSync(cache.pathOf(file));
  assert.equal(object.mode & 0o777, 0o444);
  assert.ok(cache.memo.isVerifiedObject(() => cache.pathOf(file), object, file));
  await landing.drop();
  assert.equal(cache.has(tree), false);
  assert.deepEqual(leftovers(rig.root), []);
});
