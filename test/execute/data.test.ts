import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, statSync, symlinkSync } from 'node:fs';
import test from 'node:test';
import { hashBytes, objectPath } from '../../src/base/hash.ts';
import { git, succeeded } from '../commands/projects.ts';
import { CLI, createRig } from '../rig.ts';
import type { Rig } from '../rig.ts';
import { eventsOf, faultAtRename, outcomesOf } from './tools.ts';

test('a tracked tool becomes executable: that is recorded, and a checkout brings it back so', async () => {
  const rig = createRig({
    'pipeline.yaml':
      'data: [tool.sh]\nstages: { s: { cmd: ./tool.sh > out, deps: [tool.sh], outs: [out] } }\n',
    'tool.sh': '#!/bin/sh\necho ran\n',
  });
  assert.equal((await rig.lockstep(['repro'])).code, 1, 'it may not be executed yet');
  chmodSync(rig.path('tool.sh'), 0o755);
  const ran = await rig.lockstep(['repro', '--json']);
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal((await rig.lockstep(['verify'])).code, 0);
  rig.remove('tool.sh');
  rig.remove('out');
  assert.equal((await rig.lockstep(['checkout'])).code, 0);
  const again = await rig.lockstep(['repro', '--force', '--json']);
  assert.deepEqual({ ...outcomesOf(again) }, { s: 'ran' }, again.stderr);
});

test('an input that lies behind a link is refused: it could be recorded, but never restored', async () => {
  const outside = createRig({ f: 'x' });
  const rig = createRig({ 'pipeline.yaml': 'data: [link/f]\nstages: {}\n' });
  symlinkSync(outside.root, rig.path('link'));
  const ran = await rig.lockstep(['repro']);
  assert.equal(ran.code, 2);
  assert.match(
    ran.stderr,
    /^error\[out\.linked\]: "link\/f" lies behind "link", which is a symbolic link\n --> pipeline\.yaml:1:8\n/,
  );
  rig.write('pipeline.yaml', 'data: [link]\nstages: {}\n');
  for (const command of ['repro', 'commit']) {
    const { code, stderr } = await rig.lockstep([command]);
    assert.equal(code, 2);
    assert.match(stderr, /^error\[path\.special\]: "link" is a symbolic link\n --> pipeline\.yaml:1:8\n/);
  }
});

const COUNT = `data: [in]
stages:
  all: { cmd: cat in/a in/b > all, deps: [in], outs: [all] }
  one: { cmd: cat in/b > one, deps: [in/b], outs: [one] }
`;

/** A repository whose second commit has other data than the first, with the second checked out. */
async function twice(): Promise<Rig> {
  const rig = createRig({ 'pipeline.yaml': COUNT, 'in/a': 'a', 'in/b': 'b' });
  git(rig, 'init', '-q');
  for (const text of ['b', 'c']) {
    rig.write('in/b', text);
    succeeded(await rig.lockstep(['repro']));
    git(rig, 'add', '.');
    git(rig, 'commit', '-q', '-m', text);
  }
  return rig;
}

test('what a checkout brought is what stood there, where git moves the lock after it', async () => {
  const rig = await twice();
  for (const path of ['in', '.lockstep/data']) rig.remove(path);
  succeeded(await rig.lockstep(['checkout']));
  git(rig, 'checkout', '-q', 'HEAD~1');
  succeeded(await rig.lockstep(['repro']));
  assert.deepEqual([rig.read('in/b'), git(rig, 'status', '--porcelain')], ['b', '']);
});

test('where git has moved the lock, a tracked input follows it, and is not taken for an edit', async () => {
  const rig = await twice();
  const lock = rig.read('pipeline.lock');
  git(rig, 'checkout', '-q', 'HEAD~1');
  const status = succeeded(await rig.lockstep(['status']));
  assert.match(status.stdout, /^data in is as it was before pipeline\.lock changed\n/);
  const back = await rig.lockstep(['repro', '--json']);
  assert.deepEqual({ ...outcomesOf(back) }, { all: 'restored', one: 'restored' }, back.stdout);
  assert.deepEqual(
    eventsOf(back).flatMap((event) => (event.type === 'data-restored' ? [event.path] : [])),
    ['in'],
  );
  assert.deepEqual([rig.read('in/b'), rig.read('one'), git(rig, 'status', '--porcelain')], ['b', 'b', '']);
  git(rig, 'checkout', '-q', '-');
  assert.equal((await rig.lockstep(['repro', '--locked'])).code, 0);
  assert.deepEqual([rig.read('in/b'), rig.read('pipeline.lock')], ['c', lock]);
});

test('what the lock says of an input and the cache lacks is asked for, and the old bytes are recorded when that is said', async () => {
  const rig = await twice();
  git(rig, 'checkout', '-q', 'HEAD~1');
  rig.remove('.lockstep/files');
  for (const args of [['repro'], ['repro', '--dry-run'], ['repro', '--locked']]) {
    const lost = await rig.lockstep(args);
    assert.equal(lost.code, 2, args.join(' '));
    assert.match(
      lost.stderr,
      /^error\[data\.missing\]: the tracked input "in" is as it was before pipeline\.lock changed, .*\n(.*\n)+.*"lockstep pull in"/,
    );
  }
  assert.equal(git(rig, 'status', '--porcelain'), '');
  succeeded(await rig.lockstep(['commit']));
  assert.match(git(rig, 'status', '--porcelain'), /pipeline\.lock/);
  assert.equal((await rig.lockstep(['status', '-q'])).code, 0);
});

test('an input that is gone, of which the cache holds other bytes, is lost to who reads it, and to nobody else', async () => {
  const rig = createRig({
    'pipeline.yaml': 'data: [in, spare]\nstages: { s: { cmd: cat in > out, deps: [in], outs: [out] } }\n',
    in: 'in',
    spare: 'spare',
  });
  succeeded(await rig.lockstep(['repro']));
  const lock = rig.read('pipeline.lock');
  for (const name of ['in', 'spare']) {
    const object = `.lockstep/${objectPath(hashBytes('sha256', Buffer.from(name)))}`;
    rig.remove(object);
    rig.write(object, 'rotten');
    rig.remove(name);
    const ran = await rig.lockstep(['repro']);
    const [code, said] =
      name === 'in' ? [2, 'error[data.missing]: the tracked input "in" is neither'] : [0, ''];
    assert.equal(ran.code, code, ran.stderr);
    assert.ok(ran.stderr.includes(said), ran.stderr);
    rig.write('in', 'in');
  }
  assert.equal(rig.read('pipeline.lock'), lock);
});

test('a part that was pulled is never recorded as the whole, also where git has moved the lock', async () => {
  const rig = await twice();
  rig.write('remotes.yaml', `remotes: { r: { url: ${rig.path('.git')}/remote } }\n`);
  succeeded(await rig.lockstep(['push']));
  git(rig, 'checkout', '-q', 'HEAD~1');
  const clone = createRig();
  for (const name of ['pipeline.yaml', 'pipeline.lock', 'remotes.yaml']) clone.write(name, rig.read(name));
  succeeded(await rig.lockstep(['repro']));
  succeeded(await rig.lockstep(['push']));
  succeeded(await clone.lockstep(['pull', 'in/b']));
  assert.equal(existsSync(clone.path('in/a')), false);
  git(rig, 'checkout', '-q', '-');
  const lock = rig.read('pipeline.lock');
  clone.write('pipeline.lock', lock);
  const lacking = await clone.lockstep(['repro', 'one']);
  assert.equal(lacking.code, 2, lacking.stderr);
  assert.match(lacking.stderr, /^error\[data\.missing\]: the tracked input "in" is as it was before/);
  await clone.lockstep(['commit']);
  assert.equal(clone.read('pipeline.lock').split('stages:')[0], lock.split('stages:')[0]);
  clone.write('pipeline.lock', lock);
  succeeded(await clone.lockstep(['repro', '--pull']));
  assert.deepEqual([clone.read('in/a'), clone.read('in/b'), clone.read('pipeline.lock')], ['a', 'c', lock]);
});

test('an input that was edited here while git has moved the lock is refused until one side is chosen', async () => {
  const rig = await twice();
  const lock = rig.read('pipeline.lock');
  git(rig, 'checkout', '-q', 'HEAD~1');
  succeeded(await rig.lockstep(['repro']));
  rig.write('in/b', 'mine');
  git(rig, 'checkout', '-q', '-');
  for (const args of [['repro'], ['repro', '--dry-run']]) {
    const forked = await rig.lockstep(args);
    assert.equal(forked.code, 2);
    assert.match(forked.stderr, /^error\[data\.forked\]: the tracked input "in" was edited here, /);
    assert.match(forked.stderr, /"lockstep commit in" records what is here$/m);
  }
  assert.match(
    (await rig.lockstep(['status'])).stdout,
    /^data in was edited, and pipeline\.lock changed as well\n/,
  );
  assert.deepEqual([rig.read('in/b'), rig.read('pipeline.lock')], ['mine', lock]);
  const theirs = succeeded(await rig.lockstep(['checkout', 'in']));
  assert.match(theirs.stderr, /warning\[out\.kept\]: "in" had content that was recorded nowhere: b; /);
  assert.equal(rig.read('in/b'), 'c');
});

test('the execute bit that an older lock has not is taken away with it', async () => {
  const rig = createRig({ 'pipeline.yaml': 'data: [tool]\nstages: {}\n', tool: 'x' });
  git(rig, 'init', '-q');
  for (const mode of [0o644, 0o755]) {
    chmodSync(rig.path('tool'), mode);
    succeeded(await rig.lockstep(['repro']));
    git(rig, 'add', '.');
    git(rig, 'commit', '-q', '-m', 'x');
  }
  git(rig, 'checkout', '-q', 'HEAD~1');
  succeeded(await rig.lockstep(['repro']));
  assert.equal(statSync(rig.path('tool')).mode & 0o111, 0);
  assert.equal(git(rig, 'status', '--porcelain'), '');
});

test('an edit that a crash kept from the lock stays an edit', async () => {
  const rig = await twice();
  rig.write('in/b', 'd');
  const killed = await rig.lockstep(['repro'], { env: faultAtRename('pipeline.lock', 'kill-before') });
  assert.equal(killed.signal, 'SIGKILL', killed.stderr);
  succeeded(await rig.lockstep(['repro']));
  assert.deepEqual([rig.read('in/b'), rig.read('one')], ['d', 'd']);
});

test('a stage whose input the lock no longer has is not called fresh where the list of files is known', async () => {
  const rig = createRig({ 'pipeline.yaml': COUNT, 'in/a': 'a', 'in/b': 'b' });
  succeeded(await rig.lockstep(['repro']));
  rig.remove('in/b');
  rig.write('in/c', 'c');
  rig.write('pipeline.yaml', 'data: [in]\nstages: {}\n');
  succeeded(await rig.lockstep(['repro']));
  rig.write('pipeline.yaml', COUNT);
  rig.remove('in');
  const status = await rig.lockstep(['status', 'one']);
  assert.equal(status.code, 2, status.stdout);
  assert.match(status.stderr, /^error\[dep\.missing\]/);
});

test('a file that is larger than a limit lets it be is told as such', () => {
  const rig = createRig({ 'pipeline.yaml': 'data: [in]\nstages: {}\n', in: Buffer.alloc(300_000, 'x') });
  const limited = 'ulimit -f 100; exec "$0" "$@"';
  const ran = spawnSync('sh', ['-c', limited, process.execPath, CLI, '-C', rig.root, 'commit'], {
    encoding: 'utf8',
  });
  assert.equal(ran.status, 1, ran.stderr);
  assert.match(ran.stderr, /^error\[disk\.file-too-large\]: a file is larger than it may be there/m);
});
