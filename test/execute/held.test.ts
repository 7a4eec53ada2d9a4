import assert from 'node:assert/strict';
import test from 'node:test';
import type { RelPath } from '../../src/base/types.ts';
import { openProject } from '../../src/project.ts';
import type { Project } from '../../src/project.ts';
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
