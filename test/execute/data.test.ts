import assert from 'node:assert/strict';
import { chmodSync, symlinkSync } from 'node:fs';
import test from 'node:test';
import { createRig } from '../rig.ts';
import { outcomesOf } from './tools.ts';

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
