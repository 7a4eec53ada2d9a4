import assert from 'node:assert/strict';
import test from 'node:test';
import { measure } from '../../bench/harness/measure.ts';
import { findPeer } from '../../bench/harness/peers.ts';
import { createRig } from '../rig.ts';

const needs = { skip: findPeer('python3') === undefined && 'needs python3' };

test('what a command said is given back', needs, () => {
  const { root } = createRig();
  const { stdout, stderr } = measure(
    { argv: ['sh', '-c', 'pwd; echo $WORD >&2'], cwd: root, env: { WORD: 'told' } },
    root,
  );
  assert.deepEqual([stdout, stderr], [`${root}\n`, 'told\n']);
});

for (const [script, code] of [
  ['echo out; echo err >&2; exit 3', 3],
  ['echo out; echo err >&2; kill -9 $$', -9],
] as const)
  test(`a command that ends with ${code} is never measured`, needs, () => {
    const { root } = createRig();
    assert.throws(() => measure({ argv: ['sh', '-c', script], cwd: root }, root), {
      message: `"sh -c ${script}" exited with ${code}\nout\nerr\n`,
    });
  });
