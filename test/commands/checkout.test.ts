import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import test from 'node:test';
import { leftovers } from '../crash/state.ts';
import { createRig } from '../rig.ts';
import { damage, objectWith, objectsOf } from './objects.ts';
import { createDemo, git, succeeded } from './projects.ts';

test('a checkout makes what is missing, says what, and is done the second time', async () => {
  const rig = await createDemo();
  rig.remove('copy.txt');
  rig.remove('parts/2.txt');
  const ran = succeeded(await rig.lockstep(['checkout']));
  assert.equal(ran.stdout, 'checked out copy.txt\nchecked out parts\n');
  assert.equal(rig.read('parts/2.txt'), 'two\n');
  const again = succeeded(await rig.lockstep(['checkout']));
  assert.equal(again.stdout, 'The workspace is as pipeline.lock says.\n');
  assert.equal(again.stderr, '');
});

test('a checkout of a stage or a path leaves the others alone', async () => {
  const rig = await createDemo();
  for (const name of ['copy.txt', 'parts', 'count.txt']) rig.remove(name);
  succeeded(await rig.lockstep(['checkout', 'copy']));
  succeeded(await rig.lockstep(['checkout', './count.txt']));
  assert.ok(existsSync(rig.path('copy.txt')) && existsSync(rig.path('count.txt')));
  assert.ok(!existsSync(rig.path('parts')));
  const unknown = await rig.lockstep(['checkout', 'prats']);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /^error\[stage\.unknown\]/);
});

test('an edited out and an extra file are kept in the cache and named before they are replaced', async () => {
  const rig = await createDemo();
  rig.remove('copy.txt');
  rig.write('copy.txt', 'my own work\n');
  rig.write('parts/extra.txt', 'my notes\n');
  const ran = succeeded(await rig.lockstep(['checkout']));
  assert.match(
    ran.stderr,
    /warning\[out\.kept\]: "copy\.txt" had content that was recorded nowhere; it is kept in the cache as sha256:[0-9a-f]{8}\n/,
  );
  assert.match(ran.stderr, /warning\[out\.kept\]: "parts" had content/);
  const place = /hint: find it at (.*), until "lockstep gc --delete"/.exec(ran.stderr)?.[1] ?? '';
  assert.equal(readFileSync(place, 'utf8'), 'my own work\n');
  assert.ok(objectWith(rig.path('.lockstep'), 'my notes\n'));
  assert.equal(rig.read('copy.txt'), 'one\ntwo\nthree\n');
  assert.ok(!existsSync(rig.path('parts/extra.txt')));
});

test('an object that has rotted is no copy of a file that is about to be replaced', async () => {
  const rig = await createDemo();
  damage(objectWith(rig.path('.lockstep'), '3\n'), 'rotten');
  rig.write('parts/extra.txt', '3\n');
  const ran = succeeded(await rig.lockstep(['checkout', 'parts']));
  assert.match(
    ran.stderr,
    /warning\[out\.kept\]: "parts" had content that was recorded nowhere: extra\.txt;/,
  );
  assert.ok(!existsSync(rig.path('parts/extra.txt')));
  assert.equal(readFileSync(objectWith(rig.path('.lockstep'), '3\n'), 'utf8'), '3\n');
});

test('what the cache lacks is named, the rest is made, exit 1', async () => {
  const rig = await createDemo();
  rmSync(objectWith(rig.path('.lockstep'), 'two\n'));
  for (const name of ['copy.txt', 'parts', 'count.txt']) rig.remove(name);
  const ran = await rig.lockstep(['checkout']);
  assert.equal(ran.code, 1);
  assert.equal(ran.stdout, 'checked out copy.txt\nchecked out count.txt\n');
  assert.equal(
    ran.stderr,
    'error[object.missing]: the cache does not have all of "parts"\n' +
      ' = hint: run "lockstep pull", or "lockstep repro" to make it again\n',
  );
  assert.ok(!existsSync(rig.path('parts')), 'no half of it');
});

test('of tracked inputs that are brought back together one that cannot be is named, and the others are made', async () => {
  const names = ['a', 'b', 'c', 'd'];
  const rig = createRig({
    'pipeline.yaml':
      'data: [a.txt, b.txt, c.txt, d.txt]\nstages: { all: { cmd: "cat *.txt > all", outs: [all] } }\n',
    ...Object.fromEntries(names.map((name) => [`${name}.txt`, `this is ${name}\n`])),
  });
  succeeded(await rig.lockstep(['repro']));
  rmSync(objectWith(rig.path('.lockstep'), 'this is b\n'));
  for (const name of names) rig.remove(`${name}.txt`);
  mkdirSync(rig.path('d.txt'));
  rig.write('d.txt/mine', 'my own work\n');
  const ran = await rig.lockstep(['checkout']);
  assert.equal(ran.code, 1);
  assert.equal(ran.stdout, 'checked out a.txt\nchecked out c.txt\nchecked out d.txt\n');
  assert.match(ran.stderr, /error\[object\.missing\]: the cache does not have all of "b\.txt"\n/);
  assert.equal(ran.stderr.match(/warning\[out\.kept\]/g)?.length, 1, 'told once');
  assert.deepEqual(
    ['a', 'c', 'd'].map((name) => rig.read(`${name}.txt`)),
    ['this is a\n', 'this is c\n', 'this is d\n'],
  );
});

test('of what no stage can make again, an input or what a frozen one made, nobody is told to run one', async () => {
  const rig = await createDemo({
    'pipeline.yaml':
      'data: [in.txt]\nstages:\n  old: { frozen: false, cmd: cp in.txt old.txt, deps: [in.txt], outs: [old.txt] }\n',
    'in.txt': 'x\n',
  });
  rig.write('pipeline.yaml', rig.read('pipeline.yaml').replace('frozen: false', 'frozen: true'));
  for (const path of ['.lockstep/files', 'in.txt', 'old.txt']) rig.remove(path);
  const ran = await rig.lockstep(['checkout']);
  assert.equal(ran.code, 1);
  assert.deepEqual(
    ran.stderr.match(/hint: .*/g),
    Array.from({ length: 2 }, () => 'hint: run "lockstep pull", or bring it back from a backup'),
  );
});

test('a lock that names other paths than the pipeline declares writes nothing there', async () => {
  const rig = await createDemo();
  rig.write('precious.txt', 'mine\n');
  const lock = rig.read('pipeline.lock');
  const inside = lock.replaceAll('path: copy.txt', 'path: precious.txt');
  assert.notEqual(inside, lock);
  rig.write('pipeline.lock', inside);
  rig.remove('copy.txt');
  succeeded(await rig.lockstep(['checkout']));
  assert.equal(rig.read('precious.txt'), 'mine\n');
  for (const path of ['../escaped.txt', '/tmp/escaped.txt', '.git/config', '.lockstep/x']) {
    rig.write('pipeline.lock', lock.replaceAll('path: copy.txt', `path: ${path}`));
    const ran = await rig.lockstep(['checkout']);
    assert.equal(ran.code, 2, path);
    assert.match(ran.stderr, /^error\[lock\.invalid\]: pipeline\.lock is refused: /);
    assert.ok(!existsSync(rig.path(path)) || path.startsWith('/'), path);
  }
  assert.ok(!existsSync('/tmp/escaped.txt'));
});

test('an out behind a symbolic link is refused, and the others are made', async () => {
  const rig = await createDemo({
    'pipeline.yaml':
      'name: a\nstages:\n  a: { cmd: mkdir -p deep && echo a > deep/a.txt, outs: [deep/a.txt] }\n  b: { cmd: echo b > b.txt, outs: [b.txt] }\n',
  });
  rig.remove('deep');
  rig.remove('b.txt');
  mkdirSync(rig.path('elsewhere'));
  symlinkSync(rig.path('elsewhere'), rig.path('deep'));
  const ran = await rig.lockstep(['checkout']);
  assert.equal(ran.code, 1);
  assert.equal(ran.stdout, 'checked out b.txt\n');
  assert.match(
    ran.stderr,
    /^error\[out\.linked\]: "deep\/a\.txt" lies behind "deep", which is a symbolic link\n/,
  );
  assert.ok(!existsSync(rig.path('elsewhere/a.txt')));
  // What no cache can hold is not replaced either.
  rig.remove('b.txt');
  rig.write('b.txt/mine', 'mine');
  symlinkSync('mine', rig.path('b.txt/link'));
  const kept = await rig.lockstep(['checkout', 'b.txt']);
  assert.match(kept.stderr, /^error\[path\.special\]: "b\.txt\/link" is a symbolic link\n/);
  assert.equal(rig.read('b.txt/link'), 'mine');
  assert.deepEqual(leftovers(rig.root), []);
});

test('an out behind a file is refused, by a repro too, and the others are made', async () => {
  const rig = await createDemo({
    'pipeline.yaml':
      'name: a\nstages:\n  a: { cmd: mkdir -p x/y && echo a > x/y/a, outs: [x/y/a] }\n  b: { cmd: echo b > b, outs: [b] }\n',
  });
  const told = /^error\[out\.blocked\]: "x\/y\/a" lies behind "x", which is no folder\n/m;
  for (const command of ['checkout', 'repro']) {
    for (const name of ['x', 'b']) rig.remove(name);
    rig.write('x', 'of another branch');
    const ran = await rig.lockstep(command === 'repro' ? [command, '-k'] : [command]);
    assert.equal(ran.code, 1, command);
    assert.match(ran.stderr, told);
    assert.deepEqual([rig.read('x'), rig.read('b')], ['of another branch', 'b\n']);
  }
  renameSync(rig.path('x'), rig.path('x.old'));
  succeeded(await rig.lockstep(['checkout']));
  assert.equal(rig.read('x/y/a'), 'a\n');
});

test('git checkout of an older lock and a checkout bring back the older outs', async () => {
  const rig = await createDemo();
  git(rig, 'init', '-q', '-b', 'main');
  git(rig, 'add', '.');
  git(rig, 'commit', '-q', '-m', 'three lines');
  assert.equal(git(rig, 'ls-files', 'copy.txt', 'parts', 'count.txt'), '', 'outs are not for git');
  rig.write('in.txt', 'four\n');
  succeeded(await rig.lockstep(['repro']));
  git(rig, 'commit', '-q', '-a', '-m', 'one line');
  git(rig, 'checkout', '-q', 'HEAD~1');
  succeeded(await rig.lockstep(['checkout']));
  assert.equal(rig.read('count.txt'), '3\n');
  assert.equal(rig.read('parts/3.txt'), 'three\n');
  assert.equal((await rig.lockstep(['status'])).stdout, 'Everything is fresh: 3 stages, nothing to do.\n');
  git(rig, 'checkout', '-q', 'main');
  succeeded(await rig.lockstep(['checkout']));
  assert.equal(rig.read('count.txt'), '1\n');
  assert.ok(!existsSync(rig.path('parts/2.txt')));
});

test('data comes back as a writable file that is not one with its object', async () => {
  const rig = await createDemo({
    'pipeline.yaml':
      'name: a\ndata: [big.csv]\nstages:\n  size: { cmd: "wc -c < big.csv > size.txt", deps: [big.csv], outs: [size.txt] }\n',
    'big.csv': '1,2\n',
  });
  rig.remove('big.csv');
  assert.equal((await rig.lockstep(['status'])).stdout.split('\n')[0], 'data big.csv is missing');
  succeeded(await rig.lockstep(['checkout', 'big.csv']));
  assert.equal(rig.read('big.csv'), '1,2\n');
  const { nlink, mode } = statSync(rig.path('big.csv'));
  assert.equal(nlink, 1);
  assert.equal(mode & 0o200, 0o200);
});

test('where the hash algorithm was switched, what is recorded by the old one is in place all the same', async () => {
  const rig = createRig({
    'pipeline.yaml': 'hash: md5\ndata: [in]\nstages: { s: { cmd: cp -r in out, deps: [in], outs: [out] } }\n',
    'in/a': 'a',
  });
  succeeded(await rig.lockstep(['repro']));
  const objects = objectsOf(rig.path('.lockstep'));
  rig.write('pipeline.yaml', rig.read('pipeline.yaml').replace('hash: md5\n', ''));
  const ran = succeeded(await rig.lockstep(['checkout']));
  assert.deepEqual([ran.stdout, ran.stderr], ['The workspace is as pipeline.lock says.\n', '']);
  assert.deepEqual(objectsOf(rig.path('.lockstep')), objects);
  rig.remove('out');
  assert.equal(succeeded(await rig.lockstep(['checkout'])).stdout, 'checked out out\n');
});
