import assert from 'node:assert/strict';
import { linkSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { hashBytes, objectPath } from '../../src/base/hash.ts';
import { createRig } from '../rig.ts';
import type { Rig } from '../rig.ts';

/** Enough for threads to hash, copy and link; the last one is the twin of the first. */
const COUNT = 8300;
const textOf = (index: number): string => `${index % (COUNT - 1)}`;
const nameOf = (index: number): string => `many/${index % 2 === 1 ? 'odd/' : ''}${index}`;
const object = (index: number): string => `.lockstep/${objectPath(hashBytes('sha256', textOf(index)))}`;

/** Writes the files below the folder it runs in. */
const MAKE = `import { mkdirSync, writeFileSync } from 'node:fs';
mkdirSync('many/odd', { recursive: true });
for (let index = 0; index < ${COUNT}; index++)
  writeFileSync(\`many/\${index % 2 === 1 ? 'odd/' : ''}\${index}\`, \`\${index % ${COUNT - 1}}\`);
`;

function makeMany(rig: Rig): void {
  mkdirSync(rig.path('many/odd'), { recursive: true });
  for (let index = 0; index < COUNT; index++) writeFileSync(rig.path(nameOf(index)), textOf(index));
}

/** Copies that are neither objects nor gone. */
const temps = (rig: Rig): readonly string[] =>
  readdirSync(rig.path('.lockstep/files'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.includes('.tmp'),
  );

/** Each file is one of the user's own, and its object is there. */
function areCopies(rig: Rig): void {
  for (let index = 0; index < COUNT; index++) {
    const here = statSync(rig.path(nameOf(index)));
    const there = statSync(rig.path(object(index)));
    assert.notEqual(here.ino, there.ino, textOf(index));
    assert.deepEqual([here.mode & 0o222, there.mode & 0o777], [0o200, 0o444], textOf(index));
  }
  assert.deepEqual(temps(rig), []);
}

test('a stage with thousands of outs: each file is one inode with its object, read-only, twins too', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  make: { cmd: node make.mjs, deps: [make.mjs], outs: [many] }\n',
    'make.mjs': MAKE,
  });
  const isWhole = (): void => {
    for (let index = 0; index < COUNT; index++) {
      const here = statSync(rig.path(nameOf(index)));
      assert.deepEqual(
        [here.ino, here.mode & 0o777],
        [statSync(rig.path(object(index))).ino, 0o444],
        textOf(index),
      );
    }
  };
  const first = await rig.lockstep(['repro']);
  assert.equal(first.code, 0, first.stderr);
  isWhole();
  assert.match((await rig.lockstep(['status'])).stdout, /^Everything is fresh/);
  assert.equal((await rig.lockstep(['verify', '--read-data'])).code, 0);

  // Made again: all objects are there but one, and each file becomes one with its object again.
  const kept = rig.path('kept');
  linkSync(rig.path(object(5)), kept);
  rig.remove(object(5));
  const again = await rig.lockstep(['repro', '--force']);
  assert.equal(again.code, 0, again.stderr);
  isWhole();
  assert.notEqual(statSync(rig.path(object(5))).ino, statSync(kept).ino);
});

test('outs that git keeps are copied while they are hashed, thousands of them, and stay writable', async () => {
  const rig = createRig({
    'pipeline.yaml':
      'stages:\n  make: { cmd: node make.mjs, deps: [make.mjs], outs: [{ many: { cache: false } }] }\n',
    'make.mjs': MAKE,
  });
  const ran = await rig.lockstep(['repro']);
  assert.equal(ran.code, 0, ran.stderr);
  areCopies(rig);
  assert.equal((await rig.lockstep(['verify', '--read-data'])).code, 0);
});

test('thousands of new tracked files are copied while they are hashed; what the cache has already is not', async () => {
  const rig = createRig({ 'pipeline.yaml': 'data: [many]\n' });
  makeMany(rig);
  const first = await rig.lockstep(['repro']);
  assert.equal(first.code, 0, first.stderr);
  areCopies(rig);
  const lock = rig.read('pipeline.lock');
  assert.match((await rig.lockstep(['status'])).stdout, /^Everything is fresh/);
  assert.equal((await rig.lockstep(['verify', '--read-data'])).code, 0);

  const before = statSync(rig.path(object(7))).ino;
  for (const name of ['pipeline.lock', '.lockstep/memo', object(5)]) rig.remove(name);
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  areCopies(rig);
  assert.equal(statSync(rig.path(object(7))).ino, before);
  assert.equal(rig.read('pipeline.lock'), lock);
});

test('new tracked files that are refused leave no copies, and the lock is not written', async () => {
  const rig = createRig({ 'pipeline.yaml': 'data: [many]\n' });
  makeMany(rig);
  // In a folder that comes after the files.
  mkdirSync(rig.path('many/zz'));
  symlinkSync('../odd', rig.path('many/zz/link'));
  const refused = await rig.lockstep(['repro']);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /^error\[path\.special\]: "many\/zz\/link" is a symbolic link/);
  assert.deepEqual(temps(rig), []);
  assert.throws(() => rig.read('pipeline.lock'), { code: 'ENOENT' });
});
