import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { canonicalJson } from '../../src/base/hash.ts';
import type { Fingerprint, Json, Stage } from '../../src/base/types.ts';
import { buildFingerprint, hashEnv, isFingerprintOf } from '../../src/plan/fingerprint.ts';
import type { FingerprintInputs } from '../../src/plan/fingerprint.ts';
import { stageOf } from '../read/rig.ts';
import { hashOf } from './rig.ts';

const PARAMS = { 'params.yaml': 'lr: 0.1\nlayers: [64, 32]\nbig: 12345678901234567890\n' };
const INPUTS: FingerprintInputs = {
  deps: new Map([
    ['a.txt', hashOf('a')],
    ['b.txt', hashOf('b')],
  ]),
  env: {},
};
const CODE = { 'stages/a.ts': 'ast1:1' };

const SHELL = 'cmd: make\ndeps: [a.txt, b.txt]\nparams: [lr, layers]\nouts: [x.txt, y.txt]';
const MODULE = 'run: stages/a.ts\ndeps: { a: a.txt }\nparams: [lr]\nouts: { x: x.txt }';

const textOf = (fingerprint: Fingerprint): string => canonicalJson(fingerprint as unknown as Json);

const of = (body: string, inputs: FingerprintInputs = INPUTS, params = PARAMS): string =>
  textOf(buildFingerprint(stageOf(body, params), inputs));

test('the document of a stage is written out in full, with sorted keys', () => {
  assert.equal(
    of(MODULE, {
      ...INPUTS,
      code: { files: CODE, packages: 'sha256:2' },
      tick: '2026-03-16T00:00:00.000Z',
    }),
    `{"action":{"run":"stages/a.ts"},"api":1,"code":{"stages/a.ts":"ast1:1"},` +
      `"deps":[{"hash":"${hashOf('a')}","name":"a","path":"a.txt"}],` +
      `"outs":[{"name":"x","path":"x.txt"}],"packages":"sha256:2","params":{"params.yaml":{"lr":0.1}},` +
      `"tick":"2026-03-16T00:00:00.000Z"}`,
  );
});

const SAME: readonly (readonly [what: string, a: string, b: string])[] = [
  ['a retry', SHELL, `${SHELL}\nretry: { attempts: 3, delay: 1s }`],
  ['a timeout', SHELL, `${SHELL}\ntimeout: 5m`],
  ['a description, a group and meta', SHELL, `${SHELL}\ndesc: text\ngroup: g\nmeta: { a: 1 }`],
  ['always', SHELL, `${SHELL}\nalways: true`],
  ['frozen', SHELL, `${SHELL}\nfrozen: true`],
  ['secrets', SHELL, `${SHELL}\nsecrets: [API_KEY]`],
  [
    'the order of two names for one dep',
    'run: a.ts\ndeps: { p: a.txt, q: a.txt }\nouts: { x: x.txt }',
    'run: a.ts\ndeps: { q: a.txt, p: a.txt }\nouts: { x: x.txt }',
  ],
  [
    'the order of deps, params and outs',
    SHELL,
    'cmd: make\ndeps: [b.txt, a.txt]\nparams: [layers, lr]\nouts: [y.txt, x.txt]',
  ],
  [
    'out flags that say where bytes go',
    SHELL,
    SHELL.replace('[x.txt, y.txt]', '[{ x.txt: { cache: false, push: false } }, y.txt]'),
  ],
  [
    'metric and gates',
    SHELL.replace('x.txt', 'x.json'),
    SHELL.replace(
      '[x.txt, y.txt]',
      '[{ x.json: { metric: true } }, y.txt]\ngates:\n  x.json: { rate: { min: 1 } }',
    ),
  ],
];

for (const [what, a, b] of SAME) {
  test(`${what}: the fingerprint stays`, () => assert.equal(of(a), of(b)));
}

const OTHER: readonly (readonly [what: string, a: string, b: string])[] = [
  ['the command', SHELL, SHELL.replace('make', 'make -j')],
  ['a list of commands', SHELL, SHELL.replace('cmd: make', 'cmd: [make]')],
  ['the working folder', SHELL, `wdir: .\n${SHELL}`.replace('wdir: .', 'wdir: sub')],
  ['the module', MODULE, MODULE.replace('stages/a.ts', 'stages/b.ts')],
  ['hermetic', MODULE, `${MODULE}\nhermetic: false`],
  ['allow', MODULE, `${MODULE}\nallow: [workers]`],
  ['the name of a dep', MODULE, MODULE.replace('{ a: a.txt }', '{ b: a.txt }')],
  ['the name of an out', MODULE, MODULE.replace('{ x: x.txt }', '{ z: x.txt }')],
  ['an out as a folder', SHELL, SHELL.replace('y.txt', 'y.txt/')],
  ['persist', SHELL, SHELL.replace('[x.txt, y.txt]', '[{ x.txt: { persist: true } }, y.txt]')],
  ['one more param', SHELL, SHELL.replace('[lr, layers]', '[lr, layers, big]')],
];

for (const [what, a, b] of OTHER) {
  test(`${what}: the fingerprint changes`, () => assert.notEqual(of(a), of(b)));
}

test('a reformatted params file keeps the fingerprint, another value or type of a value changes it', () => {
  const params = (text: string): string => of(SHELL, INPUTS, { 'params.yaml': text });
  const base = params('lr: 0.1\nlayers: [64, 32]\n');
  assert.equal(params('layers: # sizes\n  - 64\n  - 0x20\n"lr": 1e-1\nother: 5\n'), base);
  assert.notEqual(params('lr: "0.1"\nlayers: [64, 32]\n'), base);
  assert.notEqual(params('lr: 0.1\nlayers: [32, 64]\n'), base);
});

test('a parameter may have the name of a property that every object has', () => {
  const text = of('cmd: make\nparams: [toString, constructor]\nouts: [x.txt]', INPUTS, {
    'params.yaml': 'toString: 1\nconstructor: 2\n',
  });
  assert.match(text, /"params":\{"params\.yaml":\{"constructor":2,"toString":1\}\}/);
});

test('every input of the world changes the fingerprint', () => {
  const stage: Stage = stageOf(MODULE, PARAMS);
  const inputs: FingerprintInputs = { ...INPUTS, code: { files: CODE, packages: 'sha256:1' } };
  const variants: readonly FingerprintInputs[] = [
    inputs,
    { ...inputs, deps: new Map([['a.txt', hashOf('c')]]) },
    { ...inputs, code: { files: { 'stages/a.ts': 'ast1:2' }, packages: 'sha256:1' } },
    { ...inputs, code: { files: CODE, packages: 'sha256:2' } },
    { ...inputs, env: { MODE: hashEnv('MODE', { MODE: 'x' }) } },
    { ...inputs, tick: '2026-03-16T00:00:00.000Z' },
  ];
  const texts = variants.map((one) => textOf(buildFingerprint(stage, one)));
  assert.equal(new Set(texts).size, variants.length);
});

test('a recorded fingerprint is told from a stage’s own exactly when their documents differ', () => {
  const bodies = [...new Set([SHELL, MODULE, ...[...SAME, ...OTHER].flatMap(([, a, b]) => [a, b])])];
  const names = 'cmd: make\nparams: [a, but]\nouts: [x.txt]';
  const files = [
    PARAMS,
    { 'params.yaml': 'lr: "0.1"\nlayers: [64, 32]\nbig: 1\n' },
    { 'params.yaml': 'lr: 0.1\nlayers: [32, 64]\nbig: 12345678901234567891\n' },
  ];
  const worlds: readonly FingerprintInputs[] = [
    INPUTS,
    { ...INPUTS, deps: new Map([...INPUTS.deps, ['a.txt', hashOf('c')]]) },
    { ...INPUTS, code: { files: CODE } },
    { ...INPUTS, code: { files: { ...CODE, 'stages/b.ts': 'ast1:1' } } },
    { ...INPUTS, code: { files: CODE, packages: 'sha256:2' } },
    { ...INPUTS, env: { MODE: hashEnv('MODE', { MODE: 'x' }) } },
    { ...INPUTS, tick: '2026-03-16T00:00:00.000Z' },
  ];
  const cases = [
    ...bodies.flatMap((body) =>
      files.flatMap((params) => worlds.map((inputs) => ({ stage: stageOf(body, params), inputs }))),
    ),
    ...['{}', '{ constructor: {} }', '{ y: {} }', '{ y: 1 }'].map((text) => ({
      stage: stageOf(names, { 'params.yaml': `a: 1\nbut: ${text}\n` }),
      inputs: INPUTS,
    })),
  ].map(({ stage, inputs }) => {
    const fingerprint = buildFingerprint(stage, inputs);
    return { stage, inputs, fingerprint, text: textOf(fingerprint) };
  });
  const answers = { equal: 0, different: 0 };
  for (const { fingerprint, text } of cases) {
    for (const one of cases) {
      const isEqual = isFingerprintOf(fingerprint, one.stage, one.inputs);
      assert.equal(isEqual, text === one.text, `${text}\n${one.text}`);
      answers[isEqual ? 'equal' : 'different']++;
    }
  }
  assert.ok(answers.equal > cases.length && answers.different > answers.equal);
});

test('an environment variable enters as a hash of its name and value; unset and empty differ', () => {
  const expected = createHash('sha256').update('["MODE","fast"]').digest('hex');
  assert.equal(hashEnv('MODE', { MODE: 'fast' }), `sha256:${expected}`);
  assert.equal(new Set([hashEnv('A', {}), hashEnv('A', { A: '' }), hashEnv('B', { B: '' })]).size, 3);
});
