import assert from 'node:assert/strict';
import test from 'node:test';
import { createRig } from '../rig.ts';

const STAGE = `import { writeFileSync } from 'node:fs';
import { helper } from '../lib/helper.ts';
export default ({ outs }) => writeFileSync(outs.x, helper());
`;
const FILES = {
  'package.json': '{ "name": "app", "type": "commonjs" }',
  'lib/helper.ts': "export const helper = (): string => 'hello';\n",
};

const pipelineOf = (module: string, more = ''): string =>
  `stages:\n  a: { run: ${module}, outs: { x: x.txt }${more} }\n`;

test('an ES module that package.json takes for CommonJS is told as that, with what mends it', async () => {
  for (const more of ['', ', hermetic: false']) {
    const rig = createRig({
      ...FILES,
      'pipeline.yaml': pipelineOf('stages/a.ts', more),
      'stages/a.ts': STAGE,
    });
    const ran = await rig.lockstep(['repro']);
    assert.equal(ran.code, 1);
    assert.match(
      ran.stderr,
      /^error\[stage\.failed\]: stage "a" failed: "stages\/a\.ts" is an ES module, but package\.json says "type": "commonjs"$/m,
    );
    assert.match(
      ran.stderr,
      /= hint: rename it to "stages\/a\.mts", or write "type": "module" into package\.json$/m,
    );
  }
});

test('so is one that the stage imports, and both cures work', async () => {
  const rig = createRig({ ...FILES, 'pipeline.yaml': pipelineOf('stages/a.mts'), 'stages/a.mts': STAGE });
  const ran = await rig.lockstep(['repro']);
  assert.equal(ran.code, 1);
  assert.match(
    ran.stderr,
    /failed: "lib\/helper\.ts" is an ES module, but package\.json says "type": "commonjs"$/m,
  );
  assert.match(ran.stderr, /= hint: rename it to "lib\/helper\.mts", or/);

  rig.write('lib/helper.mts', rig.read('lib/helper.ts'));
  rig.write('stages/a.mts', STAGE.replace('helper.ts', 'helper.mts'));
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  assert.equal(rig.read('x.txt'), 'hello');

  rig.write('package.json', '{ "name": "app", "type": "module" }');
  rig.write('stages/b.ts', STAGE);
  rig.write('pipeline.yaml', pipelineOf('stages/b.ts'));
  assert.equal((await rig.lockstep(['repro'])).code, 0);
});

test('a missing export of a module that is one is told in the words of Node', async () => {
  const rig = createRig({
    ...FILES,
    'package.json': '{ "type": "module" }',
    'pipeline.yaml': pipelineOf('stages/a.ts'),
    'stages/a.ts': STAGE.replaceAll('helper', 'other').replace('other.ts', 'helper.ts'),
  });
  const ran = await rig.lockstep(['repro']);
  assert.match(
    ran.stderr,
    /failed: The requested module '\.\.\/lib\/helper\.ts' does not provide an export named 'other'$/m,
  );
});
