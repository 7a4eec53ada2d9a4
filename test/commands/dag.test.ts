import assert from 'node:assert/strict';
import test from 'node:test';
import { createRig } from '../rig.ts';
import { FILES, jsonOf, succeeded } from './projects.ts';

test('dag shows who reads from whom without running or reading anything a stage would', async () => {
  const rig = createRig(FILES);
  rig.remove('in.txt');
  assert.equal(
    succeeded(await rig.lockstep(['dag'])).stdout,
    'copy\n  split    ← copy\n    count  ← split\n',
  );
  assert.equal(succeeded(await rig.lockstep(['dag', 'split'])).stdout, 'copy\n  split  ← copy\n');
  assert.equal(
    succeeded(await rig.lockstep(['dag', 'split', '--downstream'])).stdout,
    'split\n  count  ← split\n',
  );
  assert.deepEqual(jsonOf(succeeded(await rig.lockstep(['dag', '--json']))), [
    { stage: 'copy', upstream: [] },
    { stage: 'split', upstream: ['copy'] },
    { stage: 'count', upstream: ['split'] },
  ]);
  assert.equal(
    succeeded(await rig.lockstep(['dag', '--mermaid'])).stdout,
    'flowchart TD\n  s0["copy"]\n  s1["split"]\n  s2["count"]\n  s0 --> s1\n  s1 --> s2\n',
  );
});

test('dag names the instances of a template', async () => {
  const rig = createRig({
    'pipeline.yaml':
      'name: a\nstages:\n  get: { foreach: [x, y], do: { cmd: "touch ${item}", outs: ["${item}"] } }\n  all: { cmd: touch z, deps: [x, y], outs: [z] }\n',
  });
  assert.equal(succeeded(await rig.lockstep(['dag'])).stdout, 'get@x\nget@y\n  all  ← get@x, get@y\n');
});
