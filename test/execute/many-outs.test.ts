import assert from 'node:assert/strict';
import { linkSync, statSync } from 'node:fs';
import test from 'node:test';
import { hashBytes, objectPath } from '../../src/base/hash.ts';
import { createRig } from '../rig.ts';

/** Enough for threads to hash and to link; the last one is the twin of the first. */
const COUNT = 8300;
const textOf = (index: number): string => `${index % (COUNT - 1)}`;
const object = (index: number): string => `.lockstep/${objectPath(hashBytes('sha256', textOf(index)))}`;

test('a stage with thousands of outs: each file is one inode with its object, read-only, twins too', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  make: { cmd: node make.mjs, deps: [make.mjs], outs: [many] }\n',
    'make.mjs': `import { mkdirSync, writeFileSync } from 'node:fs';
mkdirSync('many/odd', { recursive: true });
for (let index = 0; index < ${COUNT}; index++)
  writeFileSync(\`many/\${index % 2 === 1 ? 'odd/' : ''}\${index}\`, \`\${index % ${COUNT - 1}}\`);
`,
  });
  const path = (index: number): string => rig.path(`many/${index % 2 === 1 ? 'odd/' : ''}${index}`);
  const isWhole = (): void => {
    for (let index = 0; index < COUNT; index++) {
      const here = statSync(path(index));
      assert.deepEqual(
        [here.ino, here.mode & 0o777],
        [statSync(rig.path(object(index))).ino, 0o444],
        textOf(index),
      );
    }
  };
  const first = await rig.lockstep(['repro']);
  assert.equal(first.code, 0, first.stderr);
  isWhole();
  assert.match((await rig.lockstep(['status'])).stdout, /^Everything is fresh/);
  assert.equal((await rig.lockstep(['verify', '--read-data'])).code, 0);

  // Made again: all objects are there but one, and each file becomes one with its object again.
  const kept = rig.path('kept');
  linkSync(rig.path(object(5)), kept);
  rig.remove(object(5));
  const again = await rig.lockstep(['repro', '--force']);
  assert.equal(again.code, 0, again.stderr);
  isWhole();
  assert.notEqual(statSync(rig.path(object(5))).ino, statSync(kept).ino);
});
