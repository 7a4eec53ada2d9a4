import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import test from 'node:test';
import { createRig } from '../rig.ts';
import { outcomesOf, outputOf, problemOf } from './tools.ts';

test('code runs alike whether its types were taken out just now or long ago, and stacks name its true lines', async () => {
  const code = `import { writeFileSync } from 'node:fs';
type Name = string;
interface Wide {
  readonly out: Name;
}
export default ({ outs }: { outs: Record<string, string> }) => {
  const wide: Wide = { out: import.meta.filename };
  writeFileSync(outs['out']!, wide.out);
  throw new Error('here');
};
`;
  const rig = createRig({
    'package.json': '{ "type": "module" }',
    'pipeline.yaml':
      'stages:\n  a: { run: s/a.ts, outs: { out: a.txt } }\n  b: { run: s/b.mts, outs: { out: b.txt } }\n',
    's/a.ts': code,
    's/b.mts': code,
  });
  // The second time the types are no news, and the process reads the files itself.
  for (const run of ['first', 'second']) {
    const ran = await rig.lockstep(['repro', '--json', '--keep-going']);
    for (const [stage, file] of [
      ['a', 's/a.ts'],
      ['b', 's/b.mts'],
    ] as const) {
      assert.match(outputOf(ran, stage, 'stderr'), new RegExp(`${file}:9:9`), run);
      assert.equal(rig.read(`.lockstep/failed/${stage}/${stage}.txt`), rig.path(file));
    }
  }
});

/** What takes `text` from a file, and the file: as Node takes it for one kind of module or the other. */
const LOADED: readonly (readonly [manifest: string, take: string, file: string, code: string])[] = [
  ['{ "type": "module" }', "import { text } from './b.ts';", 'b.ts', 'export const text ='],
  ['{ "type": "module" }', "import { text } from './b.ts?again';", 'b.ts', 'export const text ='],
  ['{}', "import { text } from './b.ts';", 'b.ts', 'export const text ='],
  ['{}', "import { text } from './b.ts';", 'b.ts', 'exports.text ='],
  ['{}', "const { text } = require('./b.ts');", 'b.ts', 'export const text ='],
  ['{ "type": "commonjs" }', "import { text } from './b.ts';", 'b.ts', 'exports.text ='],
  ['{ "type": "commonjs" }', "const { text } = require('./b.ts');", 'b.ts', 'exports.text ='],
  ['{ "type": "module" }', "import { text } from './b.cts';", 'b.cts', 'exports.text ='],
];

for (const [manifest, take, file, code] of LOADED) {
  test(`what runs is the text that was fingerprinted, also when the file has changed since: ${manifest} ${take} ${code}`, async () => {
    const rig = createRig({
      'package.json': manifest,
      'pipeline.yaml': `stages:
  first: { cmd: cp new.ts s/${file} && echo done > first.txt, deps: [new.ts], outs: [first.txt] }
  a: { run: s/a.mts, deps: [first.txt], outs: [a.txt] }
`,
      's/a.mts': `import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
${take}
export default ({ outs }: { outs: Record<string, string> }) => writeFileSync(outs['a.txt']!, text);
`,
      'new.ts': `${code} 'new' as string;\n`,
      [`s/${file}`]: `${code} 'old' as string;\n`,
    });
    const ran = await rig.lockstep(['repro']);
    assert.equal(ran.code, 0, ran.stderr);
    assert.equal(rig.read('a.txt'), 'old');
    const next = await rig.lockstep(['repro', '--json']);
    assert.deepEqual(outcomesOf(next), { first: 'fresh', a: 'ran' });
    assert.equal(rig.read('a.txt'), 'new');
  });
}

test('code that changes in the midst of a run fails its stage, which does not start', async () => {
  const code = (text: string): string => `import { writeFileSync } from 'node:fs';
export default ({ outs, log }) => { log('it runs'); writeFileSync(outs['a.txt'], '${text}'); };
`;
  const rig = createRig({
    'pipeline.yaml': `stages:
  first: { cmd: cp new.mjs s/a.mjs && echo done > first.txt, deps: [new.mjs], outs: [first.txt] }
  a: { run: s/a.mjs, deps: [first.txt], outs: [a.txt] }
`,
    'new.mjs': code('new'),
    's/a.mjs': code('old'),
  });
  const ran = await rig.lockstep(['repro', '--json']);
  assert.equal(ran.code, 1);
  assert.deepEqual(
    { code: problemOf(ran, 'a').code, message: problemOf(ran, 'a').message },
    { code: 'code.changed', message: '"s/a.mjs" changed before stage "a" was done' },
  );
  assert.equal(outputOf(ran, 'a', 'log'), '');
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  assert.equal(rig.read('a.txt'), 'new');
});

for (const more of ['allow: [workers]', 'allow: [processes]', 'hermetic: false']) {
  test(`with ${more} code that changes in the midst of a run fails its stage: others than it may read files`, async () => {
    const rig = createRig({
      'pipeline.yaml': `stages:
  first: { cmd: cp new.mts s/b.mts && echo done > first.txt, deps: [new.mts], outs: [first.txt] }
  a: { run: s/a.mts, ${more}, deps: [first.txt], outs: [a.txt] }
`,
      's/a.mts': `export default () => new URL('./b.mts', import.meta.url);\n`,
      's/b.mts': 'export const b = 1 as number;\n',
      'new.mts': 'export const b = 2 as number;\n',
    });
    const ran = await rig.lockstep(['repro', '--json']);
    assert.equal(ran.code, 1);
    assert.equal(problemOf(ran, 'a').message, '"s/b.mts" changed before stage "a" was done');
  });
}

test('code that changes while its stage runs fails the stage, which may have run either text', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  a: { run: s/a.mjs, hermetic: false, outs: [a.txt] }\n',
    's/a.mjs': `import { appendFileSync, writeFileSync } from 'node:fs';
export default ({ outs }) => {
  appendFileSync('s/a.mjs', 'export const more = 1;\\n');
  writeFileSync(outs['a.txt'], 'made');
};
`,
  });
  const ran = await rig.lockstep(['repro', '--json']);
  assert.equal(ran.code, 1);
  assert.equal(problemOf(ran, 'a').code, 'code.changed');
  assert.equal(existsSync(rig.path('a.txt')), false);
});
