import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import test from 'node:test';
import { git } from '../commands/projects.ts';
import { createRig, rigAt } from '../rig.ts';
import type { Ran } from '../rig.ts';

const PIPELINE = 'stages:\n  make: { cmd: echo made > f, outs: [f] }\n';
const FILES = { 'pipeline.yaml': PIPELINE, f: 'mine\n' };

function assertTracked(ran: Ran, path: string): void {
  assert.equal(ran.code, 2, ran.stderr);
  assert.match(
    ran.stderr,
    new RegExp(`^error\\[out\\.tracked\\]: git tracks "${path}", which lockstep is to keep$`, 'm'),
  );
}

test('an out that git tracks is refused where the project is a folder of the repository', async () => {
  const repository = createRig({ 'sub/f': 'mine\n' });
  git(repository, 'init', '-q');
  git(repository, 'add', 'sub');
  const rig = rigAt(repository.path('sub'), FILES);
  assertTracked(await rig.lockstep(['repro']), 'f');
  assert.equal(rig.read('f'), 'mine\n');
});

test('a hook of git does not lead a project in a folder of the repository to what git has at the top', async () => {
  const repository = createRig({ f: 'of the top\n' });
  git(repository, 'init', '-q');
  git(repository, 'add', 'f');
  const rig = rigAt(repository.path('sub'), { 'pipeline.yaml': PIPELINE });
  // As git sets them for the hooks of a linked work tree.
  const env = { GIT_DIR: repository.path('.git'), GIT_INDEX_FILE: repository.path('.git/index') };
  const other = await rig.lockstep(['repro'], { env });
  assert.equal(other.code, 0, other.stderr);
  git(rig, 'add', '-f', 'f');
  const ran = await rig.lockstep(['repro', '--force'], { env });
  assert.match(ran.stderr, /error\[out\.tracked\]: git tracks "f"/);
});

test('a commit does not take over what git tracks either', async () => {
  const rig = createRig(FILES);
  git(rig, 'init', '-q');
  git(rig, 'add', 'f');
  assertTracked(await rig.lockstep(['commit']), 'f');
});

test('a tracked input that git tracks is refused by a run and a commit, until it is taken out of git', async () => {
  const rig = createRig({
    'pipeline.yaml': 'data: [in]\nstages:\n  s: { cmd: ls in > out, deps: [in], outs: [out] }\n',
    'in/1': '1\n',
  });
  git(rig, 'init', '-q');
  git(rig, 'add', 'in');
  assertTracked(await rig.lockstep(['commit']), 'in');
  const ran = await rig.lockstep(['repro']);
  assertTracked(ran, 'in');
  assert.match(
    ran.stderr,
    /^ --> pipeline\.yaml:1:8\n(.*\n)* {2}= hint: run "git rm -r --cached in" and commit$/m,
  );
  git(rig, 'rm', '-q', '-r', '--cached', 'in');
  assert.equal((await rig.lockstep(['repro'])).code, 0);
});

test('an out that is to be cached from now on is told where git has it, and kept out of git, though its stage is fresh', async () => {
  const rig = createRig({ 'pipeline.yaml': PIPELINE.replace('[f]', '[{ f: { cache: false } }]') });
  git(rig, 'init', '-q');
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  git(rig, 'add', 'f');
  rig.write('pipeline.yaml', PIPELINE);
  assertTracked(await rig.lockstep(['commit']), 'f');
  // Neither what these find, nor what they write, is a reason for a later run not to look.
  for (const command of ['status', 'verify', 'checkout'])
    assert.equal((await rig.lockstep([command])).code, 0);
  for (let attempt = 0; attempt < 2; attempt++) assertTracked(await rig.lockstep(['repro']), 'f');
  git(rig, 'rm', '-q', '--cached', 'f');
  const ran = await rig.lockstep(['repro']);
  assert.equal(ran.code, 0, ran.stderr);
  assert.match(ran.stdout + ran.stderr, /Everything is fresh/);
  assert.equal(rig.read('.gitignore'), '/f\n');
});

/** Names whose sum is more than a pipe's buffer of 1 MiB, and than a command takes of arguments. */
const LONG_NAMES = Array.from({ length: 11_000 }, (_, index) => `${'n'.repeat(200)}${index}`);

test('a tracked folder is refused however many files git has of it', async () => {
  const rig = createRig({ 'pipeline.yaml': PIPELINE.replaceAll('f]', 'dir/]') });
  git(rig, 'init', '-q');
  for (const name of LONG_NAMES) rig.write(`dir/${name}`, '');
  git(rig, 'add', 'dir');
  assertTracked(await rig.lockstep(['repro']), 'dir');
});

test('a tracked out is refused however many outs there are', async () => {
  const rig = createRig({
    ...FILES,
    'pipeline.yaml': PIPELINE.replace('[f]', `[f, ${LONG_NAMES.join(', ')}]`),
  });
  git(rig, 'init', '-q');
  git(rig, 'add', 'f');
  assertTracked(await rig.lockstep(['repro']), 'f');
});

test('where git is not installed a run goes on; where it cannot tell, a run says so', async () => {
  const rig = createRig(FILES);
  mkdirSync(rig.path('.git'));
  const without = await rig.lockstep(['commit'], { env: { PATH: '' } });
  assert.equal(without.code, 0, without.stderr);
  assert.equal(without.stderr, '');
  const broken = await rig.lockstep(['repro', '--force']);
  assert.equal(broken.code, 0, broken.stderr);
  assert.match(
    broken.stderr,
    /^warning\[git\.failed\]: git cannot tell whether it tracks what lockstep keeps \(fatal: /m,
  );
});
