import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import test from 'node:test';
import { createRig, rigAt } from '../rig.ts';
import { succeeded } from './projects.ts';

test('a new project runs right away, and a second repro has nothing to do', async () => {
  const rig = createRig();
  const made = succeeded(await rig.lockstep(['init']));
  assert.match(
    made.stdout,
    /^Made pipeline\.yaml, params\.yaml, stages\/count\.mts, words\.txt\.\nNext: "lockstep repro"/,
  );
  const ran = succeeded(await rig.lockstep(['repro']));
  assert.match(ran.stderr, /^2 stages: 2 ran in /m);
  assert.ok(!/warning/i.test(ran.stderr), ran.stderr);
  assert.deepEqual(JSON.parse(rig.read('counts.json')), { words: 4, distinct: 3 });
  assert.equal((await rig.lockstep(['repro'])).stderr, 'Everything is fresh: 2 stages, nothing to do.\n');
  rig.write('params.yaml', 'count:\n  min_length: 4\n');
  assert.match(
    (await rig.lockstep(['status'])).stdout,
    /^count +would run +param count\.min_length changed: 1 → 4$/m,
  );
});

test('it runs also where the package is not installed at all, or in a project with a package.json of its own', async () => {
  const bare = createRig();
  bare.remove('node_modules');
  succeeded(await bare.lockstep(['init']));
  succeeded(await bare.lockstep(['repro']));
  assert.ok(existsSync(bare.path('counts.json')));
  // `npm init` writes "commonjs" into it, which must not turn the first stage into an error.
  for (const type of [undefined, 'commonjs', 'module']) {
    const own = createRig({ 'package.json': JSON.stringify({ name: 'mine', private: true, type }) });
    succeeded(await own.lockstep(['init']));
    const ran = succeeded(await own.lockstep(['repro']));
    assert.ok(!/warning/i.test(ran.stderr), ran.stderr);
  }
});

test('a folder whose name YAML would not take for text is quoted', async () => {
  const rig = createRig();
  for (const name of ['2024', 'true', 'two words', '-']) {
    mkdirSync(rig.path(name));
    const inner = rigAt(rig.path(name));
    succeeded(await inner.lockstep(['init']));
    succeeded(await inner.lockstep(['status']));
  }
});

test('a project that exists is left alone', async () => {
  const rig = createRig({ 'pipeline.yaml': 'name: mine\nstages: {}\n', 'words.txt': 'mine\n' });
  const ran = await rig.lockstep(['init']);
  assert.equal(ran.code, 2);
  assert.equal(
    ran.stderr,
    'error[init.exists]: "pipeline.yaml" exists here already\n = hint: this folder has a project; see "lockstep status"\n',
  );
  assert.ok(!existsSync(rig.path('params.yaml')));
  for (const name of ['pipeline.yml', 'params.yaml', 'stages/count.mts']) {
    const other = createRig({ [name]: '' });
    const { code, stderr } = await other.lockstep(['init']);
    assert.deepEqual([code, stderr.split('\n')[0]], [2, `error[init.exists]: "${name}" exists here already`]);
    assert.ok(!existsSync(other.path('pipeline.yaml')));
  }
  const half = createRig({ 'words.txt': 'mine\n' });
  succeeded(await half.lockstep(['init']));
  assert.equal(half.read('words.txt'), 'mine\n', 'a file that is there is never replaced');
});

test('no project begins in what git or lockstep keeps for itself', async () => {
  const rig = createRig({ 'pipeline.yaml': 'stages: {}\n' });
  for (const folder of ['.git', '.git/hooks', '.lockstep/files']) {
    mkdirSync(rig.path(folder), { recursive: true });
    const { code, stderr } = await rig.lockstep(['init'], { cwd: folder });
    assert.match(
      stderr,
      /^error\[path\.reserved\]: ".*" is in "\.(git|lockstep)", where no project can be\n/,
    );
    assert.equal(code, 2);
    assert.ok(!existsSync(rig.path(`${folder}/pipeline.yaml`)));
  }
});
