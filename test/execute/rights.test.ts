import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import test from 'node:test';
import { hashBytes, objectPath } from '../../src/base/hash.ts';
import { createLinker } from '../../src/io/links.ts';
import { createRig } from '../rig.ts';
import type { Rig } from '../rig.ts';

/** Clones keep the modes of what a stage has made. */
const hasHardlinks = (rig: Rig): boolean =>
  createLinker(rig.path('.lockstep/files'), rig.path('.lockstep/staging')).type === 'hardlink';

test('who might not read what a stage made may not read it here afterwards, nor in the cache, nor when it is restored', async (t) => {
  const made = { private: 600, 'dir/x': 600, group: 640, public: 666, tool: 700, old: 600, twin: 644 };
  const write = Object.entries(made).map(([name, mode]) => `echo ${name} > ${name}; chmod ${mode} ${name}`);
  const rig = createRig({
    'pipeline.yaml': `stages:
  s:
    cmd: mkdir -p dir; ${write.join('; ')}; echo private > twin
    outs: [private, dir, group, public, tool, twin, { old: { persist: true } }]
`,
  });
  if (!hasHardlinks(rig)) return t.skip('no hardlinks here');
  const modesOf = (names: readonly string[]): readonly string[] =>
    names.map((name) => `${name} ${(statSync(rig.path(name)).mode & 0o777).toString(8)}`);
  const objects = ['private', 'dir/x', 'group', 'public', 'tool', 'old'].map(
    (text) => `.lockstep/${objectPath(hashBytes('sha256', `${text}\n`))}`,
  );
  const ran = await rig.lockstep(['repro']);
  assert.equal(ran.code, 0, ran.stderr);
  const names = Object.keys(made);
  const expected = (modes: readonly number[]): readonly string[] =>
    names.map((name, at) => `${name} ${modes[at]}`);
  assert.deepEqual(modesOf(names), expected([400, 400, 440, 444, 700, 600, 444]));
  assert.deepEqual(
    modesOf(objects).map((line) => line.slice(-3)),
    ['400', '400', '440', '444', '400', '400'],
  );
  for (const name of ['private', 'dir', 'group', 'public', 'tool', 'old', 'twin']) rig.remove(name);
  assert.equal((await rig.lockstep(['checkout'])).code, 0);
  // Of the two that have the same bytes the object is as the first.
  assert.deepEqual(modesOf(names), expected([400, 400, 440, 444, 700, 600, 400]));
  assert.match((await rig.lockstep(['status'])).stdout, /fresh/);
});

test('what may be read by fewer than the object of its bytes does not become one with it', async (t) => {
  const rig = createRig({
    'pipeline.yaml': 'stages: { s: { cmd: "echo x > x; chmod ${mode} x", outs: [x], params: [mode] } }\n',
    'params.yaml': 'mode: 644\n',
  });
  if (!hasHardlinks(rig)) return t.skip('no hardlinks here');
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.write('params.yaml', 'mode: 600\n');
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  assert.deepEqual([statSync(rig.path('x')).mode & 0o777, statSync(rig.path('x')).nlink], [0o400, 1]);
  assert.match((await rig.lockstep(['status'])).stdout, /fresh/);
});
