import assert from 'node:assert/strict';
import { chmodSync, symlinkSync } from 'node:fs';
import test from 'node:test';
import { git, succeeded } from '../commands/projects.ts';
import { createRig } from '../rig.ts';
import type { Rig } from '../rig.ts';
import { eventsOf, outcomesOf } from './tools.ts';

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

test('an input that was edited is recorded, also where git has moved the lock', async () => {
  const rig = await twice();
  git(rig, 'checkout', '-q', 'HEAD~1');
  rig.write('in/b', 'mine');
  succeeded(await rig.lockstep(['repro']));
  assert.deepEqual([rig.read('in/b'), rig.read('one')], ['mine', 'mine']);
});
