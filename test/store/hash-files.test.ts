import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { Stats } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import workerThreads from 'node:worker_threads';
import { hashBytes, objectPath } from '../../src/base/hash.ts';
import { createCrew } from '../../src/io/crew.ts';
import { DONE, OPEN, WANTED, packFiles } from '../../src/io/file-block.ts';
import type { HashedFile } from '../../src/io/hash-file.ts';
import { placeIn } from '../../src/io/incoming.ts';
import { createHashing, hashFiles } from '../../src/store/hash-files.ts';
import { tempFolder } from '../record/rig.ts';

const root = tempFolder();

interface Made {
  readonly path: string;
  readonly size: number;
  readonly text: string;
}

/** Files in a folder of their own; one of the names says nothing in ASCII. */
function makeFiles(count: number): readonly Made[] {
  const folder = mkdtempSync(join(root, 'files-'));
  return Array.from({ length: count }, (_, index) => {
    const path = join(folder, index === 11 ? 'Größe-数据' : `${index}`);
    const text = `${index}`.repeat(index % 100);
    writeFileSync(path, text);
    return { path, size: text.length, text };
  });
}

let many: readonly Made[] | undefined;

/** So many that threads begin before all are there; made once, so none may be spoilt. */
const manyFiles = (): readonly Made[] => (many ??= makeFiles(10_000));

const sha256 = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

/** Where threads begin, and far below. */
const SIZES = [
  [() => makeFiles(20), 'one after the other'],
  [manyFiles, 'in threads'],
] as const;

for (const [make, where] of SIZES) {
  test(`files are hashed in their order, ${where}; what cannot be read is an error at its place`, async () => {
    const files = make().with(7, { path: join(root, 'gone'), size: 1, text: '' });
    for (const algorithm of ['sha256', 'md5'] as const) {
      const found = await hashFiles(files, algorithm);
      assert.equal(found.length, files.length);
      for (const [index, { text }] of files.entries()) {
        const hash = found[index];
        if (index === 7) assert.equal((hash as NodeJS.ErrnoException).code, 'ENOENT');
        else assert.equal(hash, `${algorithm}:${createHash(algorithm).update(text).digest('hex')}`);
      }
    }
  });

  test(`files are made read-only before they are hashed, ${where}, but none that is another one now`, async () => {
    const [replaced, touched, plain] = [3, 5, 6];
    const files = [...make()];
    for (const [at, file] of makeFiles(3).entries()) files[[replaced, touched, plain][at] ?? 0] = file;
    using crew = createCrew();
    const hashing = createHashing({ algorithm: 'sha256', crew });
    const seen: Stats[] = files.map(({ path }) => lstatSync(path));
    // Its inode stays taken: the next file would get it again.
    linkSync(files[replaced]?.path ?? '', `${files[replaced]?.path}-old`);
    rmSync(files[replaced]?.path ?? '');
    writeFileSync(files[replaced]?.path ?? '', 'another');
    writeFileSync(files[touched]?.path ?? '', 'more than there was');
    for (const [index, { path }] of files.entries()) hashing.add(path, seen[index] as Stats, index !== plain);
    const found = await Array.fromAsync(hashing.end());
    assert.equal(found.length, files.length);
    for (const [index, file] of found.entries()) {
      assert.ok(!(file instanceof Error), `${index}`);
      const { path, text } = files[index] as Made;
      const here = statSync(path);
      const same = ![replaced, touched, plain].includes(index);
      assert.deepEqual([file.ready !== undefined, file.ready?.copiedTo], [same, undefined], path);
      assert.equal((here.mode & 0o222) === 0, same || index === touched, path);
      if (same || index === plain) assert.equal(file.hash, sha256(text));
      if (same) assert.deepEqual([file.look.mode, file.look.ctimeMs], [here.mode, here.ctimeMs]);
    }
    for (const [index, text] of [
      [replaced, 'another'],
      [touched, 'more than there was'],
    ] as const) {
      const { hash, look } = found[index] as HashedFile;
      assert.deepEqual([hash, look.size], [sha256(text), text.length]);
    }
  });
}

test('threads copy what they hash and the cache lacks, each text once; one that has grown, or whose place is taken, is hashed only', async () => {
  const [grown, blocked, cached] = [3, 5, 7];
  const files = [...manyFiles()];
  for (const file of makeFiles(1)) files[grown] = file;
  const cache = mkdtempSync(join(root, 'cache-'));
  const tempFolder = mkdtempSync(join(cache, 'temp-'));
  const keyOf = (index: number): string => objectPath(hashBytes('sha256', files[index]?.text ?? ''));
  const taken = [join(cache, keyOf(cached)), placeIn(tempFolder, keyOf(blocked))];
  for (const path of taken) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, 'someone was first');
  }
  using crew = createCrew();
  const hashing = createHashing({
    algorithm: 'sha256',
    crew,
    keeper: { dir: cache, tempFolder: () => tempFolder },
  });
  const looks = files.map(({ path }) => lstatSync(path));
  writeFileSync(files[grown]?.path ?? '', 'more than there was');
  for (const [index, { path }] of files.entries()) hashing.add(path, looks[index] as Stats, false);
  const found = await Array.fromAsync(hashing.end());
  const copied = new Set<string>();
  for (const [index, file] of found.entries()) {
    assert.ok(!(file instanceof Error), `${index}`);
    const text = index === grown ? 'more than there was' : (files[index]?.text ?? '');
    assert.deepEqual([file.hash, file.look.size], [sha256(text), text.length]);
    if (!file.ready) continue;
    assert.ok(!copied.has(text) && ![grown, blocked, cached].includes(index), `${index}`);
    copied.add(text);
    assert.equal(file.ready.copiedTo, tempFolder);
    const place = placeIn(tempFolder, objectPath(file.hash));
    const copy = lstatSync(place);
    assert.equal(readFileSync(place, 'utf8'), text);
    assert.deepEqual([copy.mode & 0o777, copy.ino], [0o444, file.ready.look.ino]);
  }
  const spared = new Set([blocked, cached].map((index) => files[index]?.text ?? ''));
  const texts = new Set(files.map(({ text }) => text)).difference(spared);
  assert.deepEqual([copied.size, texts.difference(copied)], [texts.size, new Set()]);
  for (const path of taken) assert.equal(readFileSync(path, 'utf8'), 'someone was first');
});

test('threads make files objects; one that is there, that was written to or is not wanted stays as it is', async () => {
  const files = makeFiles(300);
  const cache = mkdtempSync(join(root, 'cache-'));
  const hashed = files.map(({ path, text }) => {
    const hash = hashBytes('sha256', `${text} of ${path}`);
    const object = join(cache, objectPath(hash));
    mkdirSync(dirname(object), { recursive: true });
    return { path, look: lstatSync(path), hash, object };
  });
  writeFileSync(hashed[4]?.object ?? '', 'someone was first');
  using crew = createCrew();
  const block = packFiles(hashed);
  for (const [index, { look }] of hashed.entries()) {
    block.setMade(index, look);
    if (index !== 8) block.setState(index, WANTED);
  }
  writeFileSync(files[6]?.path ?? '', 'more than there was');
  await crew.work({ kind: 'link', algorithm: 'sha256', cache }, block);
  for (const [index, { path, object }] of hashed.entries()) {
    const isFree = ![4, 6, 8].includes(index);
    assert.equal(block.stateOf(index), isFree ? DONE : index === 8 ? OPEN : WANTED, path);
    if (isFree) assert.equal(statSync(object).ino, lstatSync(path).ino);
  }
  assert.equal(readFileSync(hashed[4]?.object ?? '', 'utf8'), 'someone was first');
  for (const index of [6, 8]) assert.equal(existsSync(hashed[index]?.object ?? ''), false);
});

test('what threads that die had not done is done without them', async () => {
  const files = manyFiles();
  const crew = createCrew();
  const hashing = createHashing({ algorithm: 'sha256', crew });
  for (const { path } of files) hashing.add(path, lstatSync(path), true);
  crew[Symbol.dispose]();
  const found = await Array.fromAsync(hashing.end(), (file) =>
    file instanceof Error ? file.message : file.hash,
  );
  assert.deepEqual(
    found,
    files.map(({ text }) => sha256(text)),
  );
});

for (const given of [0, 1]) {
  test(`where the system gives ${given} of the threads asked for, all files are hashed nevertheless`, async () => {
    const { Worker } = workerThreads;
    let started = 0;
    class Scarce extends Worker {
      constructor(...args: ConstructorParameters<typeof Worker>) {
        if (started++ >= given)
          throw Object.assign(new Error('no more threads'), { code: 'ERR_WORKER_INIT_FAILED' });
        super(...args);
      }
    }
    Object.assign(workerThreads, { Worker: Scarce });
    syncBuiltinESMExports();
    try {
      const files = manyFiles();
      const found = await hashFiles(files, 'sha256');
      assert.deepEqual(
        found,
        files.map(({ text }) => sha256(text)),
      );
      assert.equal(started, given + 1);
    } finally {
      Object.assign(workerThreads, { Worker });
      syncBuiltinESMExports();
    }
  });
}
