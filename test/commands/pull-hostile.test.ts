import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import test from 'node:test';
import type { Rig } from '../rig.ts';
import { PIPELINE, cloneOf, createDemo, succeeded } from './projects.ts';

const ONE = createHash('sha256').update('one\n').digest('hex');
const entry = (relpath: string, key = 'sha256', digest = ONE): string =>
  `{"${key}": "${digest}", "relpath": ${JSON.stringify(relpath)}}`;

/** A clone whose lock names a manifest of this text, which the remote has under its right name. */
function plant(rig: Rig, manifest: string): { readonly clone: Rig; readonly key: string } {
  const lock = rig.read('pipeline.lock');
  const before = /sha256:([0-9a-f]{64}\.dir)/.exec(lock)?.[1];
  assert.ok(before !== undefined);
  const digest = createHash('sha256').update(manifest).digest('hex');
  const key = `files/sha256/${digest.slice(0, 2)}/${digest.slice(2)}.dir`;
  mkdirSync(dirname(rig.path(`remote/${key}`)), { recursive: true });
  writeFileSync(rig.path(`remote/${key}`), manifest);
  const clone = cloneOf(rig);
  clone.write('pipeline.lock', lock.replaceAll(before, `${digest}.dir`));
  return { clone, key };
}

test('a manifest of a remote that no folder can have is refused, asked for whole or in part, and nothing lands', async () => {
  const rig = await createDemo();
  succeeded(await rig.lockstep(['push']));
  for (const [what, manifest, why] of [
    ['a way out', `[${entry('../evil.txt')}]`, /leaves its folder/],
    ['an absolute path', `[${entry('/tmp/evil.txt')}]`, /is absolute/],
    ['a drive', `[${entry('C:/evil.txt')}]`, /begins with "C:", a drive/],
    ['one path twice', `[${entry('1.txt')}, ${entry('1.txt')}]`, /names one path twice/],
    ['a file that is a folder', `[${entry('a')}, ${entry('a/b')}]`, /both a file and a folder/],
    ['hashes of another algorithm', `[${entry('1.txt', 'md5', 'a'.repeat(32))}]`, /unknown key "md5"/],
    ['a folder as a file', `[${entry('1.txt', 'sha256', `${ONE}.dir`)}]`, /no valid sha256/],
    ['another order', `[${entry('2.txt')}, ${entry('1.txt')}]`, /laid out or sorted/],
    ['no list', '{}', /not a list/],
  ] as const) {
    const { clone, key } = plant(rig, manifest);
    for (const words of [['split'], ['parts/1.txt'], ['parts/*']]) {
      const ran = await clone.lockstep(['pull', ...words]);
      assert.equal(ran.code, 1, `${what}: ${ran.stderr}`);
      assert.match(ran.stderr, /(error|warning)\[manifest\.invalid\]/, what);
      assert.match(ran.stderr, why, what);
    }
    assert.ok(!existsSync(clone.path('parts')), what);
    assert.ok(!existsSync(clone.path('evil.txt')) && !existsSync('/tmp/evil.txt'), what);
    assert.ok(!existsSync(clone.path(`.lockstep/${key}`)), what);
  }
});

test('names that differ in case only are two files, here where the file system keeps them apart', async () => {
  const rig = await createDemo();
  succeeded(await rig.lockstep(['push']));
  const { clone } = plant(rig, `[${entry('A.txt')}, ${entry('a.txt')}]`);
  clone.write('probe', '');
  const folds = existsSync(clone.path('PROBE'));
  const ran = await clone.lockstep(['pull', 'split']);
  if (folds) {
    assert.match(ran.stderr, /error\[path\.twins\]/);
    assert.ok(!existsSync(clone.path('parts')));
  } else assert.deepEqual(readdirSync(clone.path('parts')).sort(), ['A.txt', 'a.txt']);
});

for (const [theirs, ours] of [
  ['md5', 'sha256'],
  ['sha256', 'md5'],
] as const) {
  test(`what a lock names by ${theirs} comes by ${theirs} where the project hashes by ${ours}`, async () => {
    const rig = await createDemo({ 'pipeline.yaml': `hash: ${theirs}\n${PIPELINE}` });
    succeeded(await rig.lockstep(['push']));
    assert.deepEqual(readdirSync(rig.path('remote/files')), [theirs]);
    const clone = cloneOf(rig);
    clone.write('pipeline.yaml', `hash: ${ours}\n${PIPELINE}`);
    succeeded(await clone.lockstep(['pull']));
    assert.equal(clone.read('parts/2.txt'), 'two\n');
    assert.deepEqual(readdirSync(clone.path('.lockstep/files')), ['.incoming', theirs]);
    const part = succeeded(await clone.lockstep(['pull', 'parts/2.txt']));
    assert.match(part.stdout, /^parts is complete: 3 files\n$/);
    succeeded(await clone.lockstep(['push']));
    assert.deepEqual(readdirSync(rig.path('remote/files')), [theirs]);
  });
}

test('a remote that holds only the other algorithm lacks what the lock names, and says what and why', async () => {
  const rig = await createDemo({ 'pipeline.yaml': `hash: md5\n${PIPELINE}` });
  succeeded(await rig.lockstep(['push']));
  rig.write('pipeline.yaml', `hash: sha256\n${PIPELINE}`);
  succeeded(await rig.lockstep(['repro']));
  const clone = cloneOf(rig);
  const hint =
    'the remote has objects by md5, and pipeline.lock names this one by sha256: run "lockstep repro" with "hash: sha256" and then "lockstep push" where the files are';
  for (const [words, paths] of [
    [[], ['copy.txt', 'parts', 'count.txt']],
    [['parts/1.txt'], ['parts']],
  ] as const) {
    const ran = await clone.lockstep(['pull', ...words]);
    assert.equal(ran.code, 1);
    for (const path of paths)
      assert.ok(
        ran.stderr.includes(
          `warning[fetch.missing]: "${path}" is in pipeline.lock, but the remote does not have all of it\n = hint: ${hint}\n`,
        ),
        ran.stderr,
      );
  }
  assert.ok(!existsSync(clone.path('parts')) && !existsSync(clone.path('copy.txt')));
  succeeded(await rig.lockstep(['push']));
  succeeded(await clone.lockstep(['pull']));
});

test('of a remote that holds both algorithms a lost object is to be pushed, and a damaged one is told once', async () => {
  const rig = await createDemo({ 'pipeline.yaml': `hash: md5\n${PIPELINE}` });
  succeeded(await rig.lockstep(['push']));
  rig.write('pipeline.yaml', PIPELINE);
  succeeded(await rig.lockstep(['repro']));
  succeeded(await rig.lockstep(['push']));
  const digest = createHash('sha256').update('two\n').digest('hex');
  const object = rig.path(`remote/files/sha256/${digest.slice(0, 2)}/${digest.slice(2)}`);
  chmodSync(object, 0o644);
  writeFileSync(object, 'wrong');
  const damaged = await cloneOf(rig).lockstep(['pull']);
  assert.equal(damaged.code, 1);
  assert.match(damaged.stderr, /error\[remote\.corrupt\].*it was refused \(it belongs to "parts"\)/);
  assert.match(damaged.stderr, /^fetched \d+ objects \(\d+ B\) from origin, 1 failed$/m);
  assert.doesNotMatch(damaged.stderr, /fetch\.missing/);
  rmSync(object);
  const lost = await cloneOf(rig).lockstep(['pull']);
  assert.equal(lost.code, 1);
  assert.match(lost.stderr, /^fetched \d+ objects \(\d+ B\) from origin, 1 missing there$/m);
  assert.ok(
    lost.stderr.includes(
      'warning[fetch.missing]: "parts" is in pipeline.lock, but the remote does not have all of it\n' +
        ' = hint: push it from a machine that has it, or make it here with "lockstep repro"\n',
    ),
    lost.stderr,
  );
});
