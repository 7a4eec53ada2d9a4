import assert from 'node:assert/strict';
import { mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import test from 'node:test';
import { PACKAGE, createRig } from '../rig.ts';
import type { Rig } from '../rig.ts';
import { moduleRig } from './module-rig.ts';
import { outcomesOf } from './tools.ts';

/** A project that imports the package `alpha`, which lies in a folder, and has no `node_modules` yet. */
function alphaRig(alpha: string): Rig {
  const rig = moduleRig('', {});
  rig.write(
    'stages/m.ts',
    `import { a } from 'alpha';
import { writeFileSync } from 'node:fs';
export default ({ outs }) => writeFileSync(outs.out, a);`,
  );
  rig.remove('node_modules');
  rig.write(`${alpha}/package.json`, '{"name":"alpha","version":"1.0.0","type":"module","main":"main.js"}');
  rig.write(`${alpha}/main.js`, `export const a = 'A';`);
  return rig;
}

test('packages that are links into a store, as pnpm lays them, are found with all they need', async () => {
  const rig = moduleRig('', {});
  rig.write(
    'stages/m.ts',
    `import { a } from 'alpha';
import cjs from 'gamma';
import { writeFileSync } from 'node:fs';
export default ({ outs }) => writeFileSync(outs.out, a + cjs.c);`,
  );
  const store = 'node_modules/.pnpm';
  rig.write(
    `${store}/alpha@1.0.0/node_modules/alpha/package.json`,
    '{"name":"alpha","version":"1.0.0","type":"module","exports":"./main.js","dependencies":{"beta":"1"}}',
  );
  rig.write(`${store}/alpha@1.0.0/node_modules/alpha/main.js`, `export { b as a } from 'beta';`);
  rig.write(
    `${store}/beta@1.0.0/node_modules/beta/package.json`,
    '{"name":"beta","version":"1.0.0","type":"module","main":"lib/index.js"}',
  );
  rig.write(
    `${store}/beta@1.0.0/node_modules/beta/lib/index.js`,
    `import { readFileSync } from 'node:fs';
export const b = readFileSync(new URL('./data.txt', import.meta.url), 'utf8');`,
  );
  rig.write(`${store}/beta@1.0.0/node_modules/beta/lib/data.txt`, 'B');
  rig.write(`${store}/gamma@1.0.0/node_modules/gamma/package.json`, '{"name":"gamma","version":"1.0.0"}');
  rig.write(
    `${store}/gamma@1.0.0/node_modules/gamma/index.js`,
    `module.exports = { c: require('./part').part };`,
  );
  rig.write(`${store}/gamma@1.0.0/node_modules/gamma/part.js`, `exports.part = 'C';`);
  symlinkSync('../../beta@1.0.0/node_modules/beta', rig.path(`${store}/alpha@1.0.0/node_modules/beta`));
  symlinkSync('.pnpm/alpha@1.0.0/node_modules/alpha', rig.path('node_modules/alpha'));
  symlinkSync('.pnpm/gamma@1.0.0/node_modules/gamma', rig.path('node_modules/gamma'));
  const ran = await rig.lockstep(['repro', '--json']);
  assert.deepEqual({ ...outcomesOf(ran) }, { s: 'ran' }, ran.stdout);
  assert.equal(rig.read('out.txt'), 'BC');
});

test('the package itself is found above the project and in a linked library, as pnpm lays a workspace', async () => {
  const rig = createRig({
    'app/pipeline.yaml':
      'stages:\n  a: { run: a.mjs, outs: { out: a.txt } }\n  b: { run: b.mjs, outs: { out: b.txt } }\n',
    'app/a.mjs': `import { writeFileSync } from 'node:fs';
import { defineStage } from 'lockstep-data';
export default defineStage(({ outs }) => writeFileSync(outs.out, 'a'));`,
    'app/b.mjs': `export { default } from 'stages/b.mjs';`,
    'beside/stages/package.json': '{ "name": "stages" }',
    'beside/stages/b.mjs': `import { writeFileSync } from 'node:fs';
import { defineStage } from 'lockstep-data';
export default defineStage(({ outs }) => writeFileSync(outs.out, 'b'));`,
  });
  for (const [link, to] of [
    ['app/node_modules/stages', '../../beside/stages'],
    ['beside/stages/node_modules/lockstep-data', PACKAGE],
  ] as const) {
    mkdirSync(dirname(rig.path(link)), { recursive: true });
    symlinkSync(to, rig.path(link));
  }
  const ran = await rig.lockstep(['repro', '--keep-going'], { cwd: 'app' });
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(rig.read('app/a.txt') + rig.read('app/b.txt'), 'ab');
});

test('packages are found where node_modules is a link, and they are links in it', async () => {
  const rig = alphaRig('shared/modules/.pnpm/alpha@1.0.0/node_modules/alpha');
  symlinkSync('.pnpm/alpha@1.0.0/node_modules/alpha', rig.path('shared/modules/alpha'));
  symlinkSync('shared/modules', rig.path('node_modules'));
  const ran = await rig.lockstep(['repro', '--json']);
  assert.deepEqual({ ...outcomesOf(ran) }, { s: 'ran' }, ran.stdout);
});

test('require finds packages above the project, and hears that one is not there, as in a workspace', async () => {
  const optional = `try { require('gone'); } catch (error) { if (error.code !== 'MODULE_NOT_FOUND') throw error; }`;
  const rig = createRig({
    'app/pipeline.yaml': 'stages:\n  s: { run: s.mjs, outs: { out: out.txt } }\n',
    'app/s.mjs': `import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';
import near from 'near';
const { up } = createRequire(import.meta.url)('up');
export default ({ outs }) => writeFileSync(outs.out, near.text + up);`,
    'app/node_modules/near/package.json':
      '{"name":"near","version":"1.0.0","dependencies":{"up":"1"},"optionalDependencies":{"gone":"1"}}',
    'app/node_modules/near/index.js': `${optional} exports.text = 'near ' + require('up').up;`,
    'node_modules/up/package.json': '{"name":"up","version":"1.0.0"}',
    'node_modules/up/index.js': `exports.up = 'up';`,
  });
  const ran = await rig.lockstep(['repro'], { cwd: 'app' });
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(rig.read('app/out.txt'), 'near upup');
});

for (const modules of ['app/node_modules/.keep', 'app/none']) {
  test(`a name that package.json explains is taken by import, and require says so, beside ${modules}`, async () => {
    const rig = createRig({
      'app/pipeline.yaml': 'stages:\n  s: { run: s.mjs, outs: { out: out.txt } }\n',
      'app/package.json': '{ "imports": { "#x": "./x.cjs" } }',
      'app/x.cjs': `exports.x = 'x';`,
      'app/s.mjs': `import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const { x } = require('#x');
export default () => {};`,
      [modules]: '',
    });
    rig.remove('node_modules');
    const ran = await rig.lockstep(['repro'], { cwd: 'app' });
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, /^ {2}= hint: take "#x" by import, not by require, or set "hermetic: false"$/m);
    rig.write(
      'app/s.mjs',
      `import { writeFileSync } from 'node:fs';
import { x } from '#x';
export default ({ outs }) => writeFileSync(outs.out, x);`,
    );
    assert.equal((await rig.lockstep(['repro'], { cwd: 'app' })).code, 0);
    assert.equal(rig.read('app/out.txt'), 'x');
  });
}

test('packages are found where node_modules is a link to a link', async () => {
  const rig = alphaRig('shared/modules/alpha');
  symlinkSync('shared/modules', rig.path('hop'));
  symlinkSync('hop', rig.path('node_modules'));
  const ran = await rig.lockstep(['repro', '--json']);
  assert.deepEqual({ ...outcomesOf(ran) }, { s: 'ran' }, ran.stdout);
  assert.equal(rig.read('out.txt'), 'A');
});

test('the package itself is found where node_modules is a link, and nothing else is imported', async () => {
  const rig = moduleRig('');
  rig.write(
    'stages/m.ts',
    `import { defineStage } from 'lockstep-data';
import { writeFileSync } from 'node:fs';
export default defineStage(({ outs }) => writeFileSync(outs.out, 'A'));`,
  );
  mkdirSync(rig.path('shared'));
  renameSync(rig.path('node_modules'), rig.path('shared/modules'));
  symlinkSync('shared/modules', rig.path('node_modules'));
  const ran = await rig.lockstep(['repro', '--json']);
  assert.deepEqual({ ...outcomesOf(ran) }, { s: 'ran' }, ran.stdout);
});
