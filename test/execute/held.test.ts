import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import test from 'node:test';
import type { RelPath } from '../../src/base/types.ts';
import { openProject } from '../../src/project.ts';
import type { Project } from '../../src/project.ts';
import { disturbed } from '../crash/trial.ts';
import { cleanEnv, createRig } from '../rig.ts';
import type { Rig } from '../rig.ts';
import { faultAtRename } from './tools.ts';

function open(rig: Rig): Promise<Project> {
  return openProject({
    dir: rig.root,
    env: cleanEnv(),
    command: 'test',
    emit: () => undefined,
    signal: new AbortController().signal,
    waitMs: 0,
  });
}

test('workspace and cache are given to the next one when all that was recorded is on the disk, not before', async () => {
  const rig = createRig({
    'pipeline.yaml': 'data: [given]\nstages:\n  s: { cmd: echo x > o, outs: [o] }\n',
  });
  const one = await open(rig);
  const other = await open(rig);
  {
    using _workspace = await one.takeWorkspace();
    using _cache = await one.takeCache('shared');
  }
  // Nothing was recorded.
  {
    using _workspace = await other.takeWorkspace();
    using _cache = await other.takeCache('exclusive');
  }
  {
    using _workspace = await one.takeWorkspace();
    using _cache = await one.takeCache('shared');
    one.recorder.setData([
      { path: 'given' as RelPath, hash: `sha256:${'a'.repeat(64)}`, kind: 'file', size: 1 },
    ]);
  }
  await assert.rejects(other.takeWorkspace(), { code: 'mutex.busy' });
  await assert.rejects(other.takeCache('exclusive'), { code: 'mutex.busy' });
  await one.close();
  assert.match(rig.read('pipeline.lock'), /path: given/);
  using _workspace = await other.takeWorkspace();
  assert.equal(other.recorder.data().length, 1);
  using _cache = await other.takeCache('exclusive');
  await other.close();
});

for (const command of ['repro', 'checkout', 'pull'])
  test(`a ${command} that is killed while it puts an out in place has held workspace and cache until then`, async () => {
    const rig = createRig({
      'pipeline.yaml': 'stages:\n  s: { cmd: echo x > o, outs: [o] }\n',
      'remotes.yaml': 'remotes:\n  origin: { url: remote }\n',
    });
    for (const args of [['repro'], ['push']]) assert.equal((await rig.lockstep(args)).code, 0);
    rig.remove('o');
    // Behind those of the two notes about who holds them.
    const ran = await disturbed(rig, [command], { mode: 'kill-before', at: 3, only: ['rename'] });
    assert.equal(ran.signal, 'SIGKILL', ran.stderr);
    assert.deepEqual([existsSync(rig.path('o')), existsSync(rig.path('.lockstep/staging'))], [false, true]);
    // Who gives one back takes the note of its holder away.
    for (const mutex of ['workspace', 'cache'])
      assert.equal(readdirSync(rig.path(`.lockstep/${mutex}.mutex.d`)).length, 1, mutex);
  });

test('a command that fails, and cannot write what it had recorded either, says why it failed first', async () => {
  const rig = createRig({
    'pipeline.yaml': 'data: [given]\nstages:\n  s: { cmd: echo x > o, deps: [lacking], outs: [o] }\n',
    given: 'x',
  });
  const ran = await rig.lockstep(['repro'], { env: faultAtRename('pipeline.lock', 'ENOSPC') });
  assert.equal(ran.code, 2, ran.stderr);
  assert.match(ran.stderr, /^error\[dep\.missing\]/m);
  assert.doesNotMatch(ran.stderr, /disk\.full/);
});
