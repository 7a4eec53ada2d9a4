import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { at, paths, project, refused, sha256 } from './code-project.ts';
import type { Files } from './code-project.ts';

const installed = (name: string, version: string, more: object = {}): Files => ({
  [`node_modules/${name}/package.json`]: JSON.stringify({ name, version, ...more }),
  [`node_modules/${name}/index.js`]: '',
});

test('a package that is not installed is refused with its place and what to do', () => {
  const error = refused(
    project({ 'stages/a.ts': "import x from '@scope/pkg/sub';\n" }),
    'code.package-missing',
  );
  assert.equal(at(error), 'stages/a.ts:1:1');
  assert.equal(error.problems[0].hint, 'run "npm install @scope/pkg"');
});

test('what can be the name of no package is not to be installed', () => {
  for (const specifier of ['@/lib/x.ts', '~/lib/x.ts', '$lib/x.ts']) {
    const error = refused(project({ 'stages/a.ts': `import '${specifier}';\n` }), 'code.package-missing');
    assert.equal(
      error.problems[0].hint,
      'Node does not read "paths" in tsconfig.json: import by a path, or by a "#name" under "imports" in package.json',
    );
  }
});

test('builtins and our own API are no packages', () => {
  const { packages } = project({
    'stages/a.ts': "import 'node:fs';\nimport 'fs/promises';\nimport { defineStage } from 'lockstep-data';\n",
  }).closure();
  assert.equal(packages, undefined);
});

test('packages count by name and version of all they depend on as installed', () => {
  const files: Files = {
    'stages/a.ts': "import 'one';\nimport '@s/two/sub';\n",
    ...installed('one', '1.0.0', { dependencies: { three: '^3' } }),
    ...installed('@s/two', '2.0.0', { peerDependencies: { one: '*' }, optionalDependencies: { gone: '*' } }),
    ...installed('three', '3.0.0'),
    ...installed('unrelated', '9.0.0'),
  };
  const place = project(files);
  const expected = (...names: readonly string[]): string => sha256(names.join('\n'));
  assert.equal(place.closure().packages, expected('@s/two@2.0.0', 'one@1.0.0', 'three@3.0.0'));
  place.write(installed('three', '3.0.1'));
  assert.equal(place.closure().packages, expected('@s/two@2.0.0', 'one@1.0.0', 'three@3.0.1'));
  place.write(installed('unrelated', '9.0.1'));
  assert.equal(place.closure().packages, expected('@s/two@2.0.0', 'one@1.0.0', 'three@3.0.1'));
});

test('a package nested below its user is found there first', () => {
  const place = project({
    'stages/a.ts': "import 'one';\n",
    ...installed('one', '1.0.0', { dependencies: { two: '1' } }),
    ...installed('two', '2.0.0'),
    'node_modules/one/node_modules/two/package.json': '{"name": "two", "version": "1.0.0"}',
  });
  assert.equal(place.closure().packages, sha256('one@1.0.0\ntwo@1.0.0'));
});

test('what is built for one platform does not count, but may be read', () => {
  const base: Files = {
    'stages/a.ts': "import 'one';\n",
    ...installed('one', '1.0.0', { optionalDependencies: { 'one-linux': '1', 'one-darwin': '1' } }),
  };
  const linux = project({ ...base, ...installed('one-linux', '1.0.0', { os: ['linux'], cpu: ['x64'] }) });
  const darwin = project({ ...base, ...installed('one-darwin', '1.0.0', { os: ['darwin'] }) });
  assert.equal(linux.closure().packages, darwin.closure().packages);
  assert.ok(linux.closure().packageFolders.some((folder) => folder.endsWith('one-linux')));
});

test('what is not for every platform counts where it is imported, or required by what counts', () => {
  const native = { os: ['win32', 'darwin', 'linux'] };
  const place = project({
    'stages/a.ts': "import 'native';\nimport 'one';\n",
    ...installed('native', '1.0.0', { ...native, dependencies: { below: '1' } }),
    ...installed('below', '1.0.0', native),
    ...installed('one', '1.0.0', {
      optionalDependencies: { 'one-linux': '1' },
      dependencies: { 'one-linux': '1' },
    }),
    ...installed('one-linux', '1.0.0', { os: ['linux'], dependencies: { 'one-linux-x64': '1' } }),
    ...installed('one-linux-x64', '1.0.0', { cpu: ['x64'] }),
  });
  assert.equal(place.closure().packages, sha256('below@1.0.0\nnative@1.0.0\none@1.0.0'));
  place.write(installed('native', '1.1.0', native));
  assert.equal(place.closure().packages, sha256('native@1.1.0\none@1.0.0'));
});

test('modules of the market library count one by one, under the package’s name wherever it is installed', () => {
  const { files, packages } = project({
    'stages/a.ts': "import 'lockstep-data/market/bars';\n",
    'node_modules/lockstep-data/market/bars.ts': "import './rows.ts';\n",
    'node_modules/lockstep-data/market/rows.ts': '',
    'node_modules/lockstep-data/market/other.ts': '',
  }).closure();
  assert.deepEqual(Object.keys(files), [
    'lockstep-data/market/bars.ts',
    'lockstep-data/market/rows.ts',
    'stages/a.ts',
  ]);
  assert.equal(packages, undefined);
});

for (const where of ['packages/lib', '../elsewhere/lib']) {
  test(`a package linked to its source at ${where} counts with all its files`, () => {
    const place = project({
      'stages/a.ts': "import { x } from 'lib';\n",
      [`${where}/package.json`]: '{"name": "lib", "version": "1.0.0"}',
      [`${where}/index.ts`]: "import './deep/x.ts';\nimport 'dep';\n",
      [`${where}/deep/x.ts`]: 'export const x = 1;\n',
      [`${where}/test/broken.ts`]: "import 'not-installed';\nimport './gone.ts';\nenum A { B }\n",
      ...installed('dep', '1.0.0'),
    });
    if (where.startsWith('..'))
      place.write({ '../node_modules/dep/package.json': '{"name": "dep", "version": "1.0.0"}' });
    symlinkSync(join(place.root, where), join(place.root, 'node_modules/lib'));
    const before = place.closure();
    const prefix = where.startsWith('..') ? 'lib' : where;
    assert.deepEqual(paths(before), [
      `${prefix}/deep/x.ts`,
      `${prefix}/index.ts`,
      `${prefix}/package.json`,
      `${prefix}/test/broken.ts`,
      'stages/a.ts',
    ]);
    assert.notEqual(before.packages, undefined, 'what it depends on counts too');
    assert.ok(before.packageFolders.includes(join(place.root, 'node_modules/lib')), 'its link may be read');
    assert.ok(place.asked().includes(where), 'a file that comes to it counts, too');
    place.write({ [`${where}/deep/x.ts`]: 'export const x = 2;\n' });
    const changed = place.closure();
    assert.notEqual(changed.files[`${prefix}/deep/x.ts`], before.files[`${prefix}/deep/x.ts`]);
    assert.equal(changed.files['stages/a.ts'], before.files['stages/a.ts']);
  });
}

test('what is wrong beside a linked package is told of no stage, whichever is read first', () => {
  const place = project({
    'stages/a.ts': "import 'lib';\n",
    'stages/b.ts': "import 'lib';\n",
    'packages/lib/package.json': '{"name": "lib"}',
    'packages/lib/index.ts': "import '../shared/y.ts';\n",
    'packages/shared/y.ts': "import 'not-installed';\nimport './gone.ts';\n",
    'node_modules/.keep': '',
  });
  symlinkSync(join(place.root, 'packages/lib'), join(place.root, 'node_modules/lib'));
  const { files } = place.closure('stages/b.ts', ['stages/a.ts']);
  assert.deepEqual(files, place.closure('stages/b.ts').files);
});

test('what is wrong in a file of a linked package is told where the file itself is imported, whichever is read first', () => {
  const place = project({
    'stages/a.ts': "import 'lib';\nimport '../packages/lib/broken.ts';\n",
    'stages/b.ts': "import 'lib';\n",
    'stages/c.ts': "import '../packages/lib/broken.ts';\n",
    'packages/lib/package.json': '{"name": "lib"}',
    'packages/lib/broken.ts': 'enum A { B }\n',
    'node_modules/.keep': '',
  });
  symlinkSync(join(place.root, 'packages/lib'), join(place.root, 'node_modules/lib'));
  for (const [entry, before] of [
    ['stages/c.ts', []],
    ['stages/c.ts', ['stages/b.ts']],
    ['stages/a.ts', []],
  ] as const)
    assert.throws(
      () => place.closure(entry, before),
      { code: 'code.syntax' },
      `${entry} after ${before.join()}`,
    );
  assert.ok(paths(place.closure('stages/b.ts')).includes('packages/lib/broken.ts'));
});

test('what package.json says of the names that code imports counts, and nothing else of it', () => {
  const say = (a: string, b: string, more: object = {}): Files => ({
    'package.json': JSON.stringify({ ...more, imports: { '#a': a, '#b': b, '#other': './lib/x.ts' } }),
  });
  const place = project({
    ...say('./lib/x.ts', './lib/y.ts'),
    'lib/x.ts': '',
    'lib/y.ts': '',
    'stages/a.ts': "import '#a';\nimport '#b';\n",
  });
  const { files } = place.closure();
  place.write(say('./lib/x.ts', './lib/y.ts', { version: '2.0.0', scripts: {} }));
  assert.deepEqual(place.closure().files, files);
  place.write(say('./lib/y.ts', './lib/x.ts'));
  const { 'package.json': names, ...rest } = place.closure().files;
  assert.notEqual(names, files['package.json']);
  assert.deepEqual({ ...rest, 'package.json': files['package.json'] }, files);
});

test('a package.json above the project explains names, too', () => {
  const { files } = project({
    '../package.json': '{ "imports": { "#lib/*": "./project/lib/*" } }',
    'lib/x.ts': '',
    'stages/a.ts': "import '#lib/x.ts';\n",
  }).closure();
  assert.deepEqual(Object.keys(files), ['lib/x.ts', 'package.json', 'stages/a.ts']);
});

test('where addons make a difference both files count, if they are there; a builtin is no package', () => {
  const imports = { '#x': { 'node-addons': './lib/addon.js', default: './lib/plain.js' }, '#fs': 'node:fs' };
  const place = project({
    'package.json': JSON.stringify({ imports }),
    'lib/plain.js': '',
    'stages/a.ts': "import '#x';\nimport '#fs';\n",
  });
  assert.deepEqual(paths(place.closure()), ['lib/plain.js', 'package.json', 'stages/a.ts']);
  place.write({ 'lib/addon.js': '' });
  assert.deepEqual(paths(place.closure()), ['lib/addon.js', 'lib/plain.js', 'package.json', 'stages/a.ts']);
});

for (const exports of [undefined, { './lib/*': { import: './lib/*' } }]) {
  test(`a package that imports itself by name counts with what it imports, ${exports ? 'by its exports' : 'where a workspace links it'}`, () => {
    const place = project({
      'package.json': JSON.stringify({ name: 'me', exports }),
      'lib/x.ts': '',
      'pipeline.lock': '',
      'stages/a.ts': "import 'me/lib/x.ts';\n",
      '../node_modules/.keep': '',
    });
    symlinkSync(place.root, join(place.root, '../node_modules/me'));
    const manifest = exports ? ['package.json'] : [];
    assert.deepEqual(paths(place.closure()), ['lib/x.ts', ...manifest, 'stages/a.ts']);
    if (!exports) return;
    place.write({ 'stages/a.ts': "import 'me/other.ts';\n" });
    assert.equal(
      refused(place, 'code.package-missing').problems[0].hint,
      'add "./other.ts" to "exports" in package.json',
    );
  });
}

test('each file of packages that are called alike counts, and so does a folder that is called like one', () => {
  const linked = (folder: string): Files => ({
    [`../${folder}/package.json`]: '{ "name": "lib" }',
    [`../${folder}/index.ts`]: `export const x = '${folder}';\n`,
  });
  const place = project({
    ...linked('one'),
    ...linked('two'),
    'lib/index.ts': "export const x = 'mine';\n",
    'stages/a.ts': "import 'lib-one';\nimport 'lib-two';\nimport '../lib/index.ts';\n",
    'node_modules/.keep': '',
  });
  for (const name of ['one', 'two'])
    symlinkSync(join(place.root, `../${name}`), join(place.root, `node_modules/lib-${name}`));
  const before = place.closure().files;
  const seen = new Set<string>();
  for (const file of ['../one/index.ts', '../two/index.ts', 'lib/index.ts']) {
    place.write({ [file]: "export const x = 'other';\n" });
    const { files } = place.closure();
    for (const path of Object.keys(before)) if (files[path] !== before[path]) seen.add(path);
  }
  assert.deepEqual([...seen].sort(), ['lib/index.ts', 'lib/index.ts (2)', 'lib/index.ts (3)']);
});

test('what "#name" means may depend on who asks: import and require each lead to their own file', () => {
  const imports = { '#x': { require: './lib/x.cjs', import: './lib/x.mjs' } };
  const place = project({
    'package.json': JSON.stringify({ imports }),
    'lib/x.cjs': 'module.exports = 1;',
    'lib/x.mjs': 'export default 1;',
    'stages/a.ts': "import './b.cjs';\n",
    'stages/b.cjs': "require('#x');\n",
  });
  const counted = (file: string): readonly string[] => [file, 'package.json', 'stages/a.ts', 'stages/b.cjs'];
  assert.deepEqual(paths(place.closure()), counted('lib/x.cjs'));
  place.write({ 'stages/b.cjs': "import('#x');\n" });
  assert.deepEqual(paths(place.closure()), counted('lib/x.mjs'));
});

test('a package.json that is no map, or whose fields are none, says nothing', () => {
  for (const text of ['null', '1', '[]', 'no JSON', '{ "dependencies": null, "peerDependencies": "two" }']) {
    const place = project({
      'stages/a.ts': "import 'one';\n",
      ...installed('two', '2.0.0'),
      'node_modules/one/package.json': text,
    });
    assert.equal(place.closure().packages, sha256('one@'), text);
  }
  for (const text of ['null', '1', '[]', 'no JSON', '{ "imports": null }', '{ "imports": "#x" }']) {
    const place = project({ 'package.json': text, 'stages/a.ts': "import '#x';\n" });
    assert.match(refused(place, 'code.package-missing').message, /no package\.json above it explains/, text);
  }
});

test('names that begin with # are looked up in package.json', () => {
  const place = project({
    'package.json': JSON.stringify({
      imports: {
        '#exact': './lib/exact.ts',
        '#lib/*': './lib/*',
        '#lib/special/*.ts': { browser: './no.ts', node: './special/*.ts' },
        '#bare': 'one',
      },
    }),
    'stages/a.ts': "import '#exact';\nimport '#lib/sub/x.ts';\nimport '#lib/special/y.ts';\n",
    'lib/exact.ts': '',
    'lib/sub/x.ts': '',
    'special/y.ts': '',
  });
  assert.deepEqual(paths(place.closure()), [
    'lib/exact.ts',
    'lib/sub/x.ts',
    'package.json',
    'special/y.ts',
    'stages/a.ts',
  ]);
  place.write({ ...installed('one', '1.0.0'), 'stages/a.ts': "import '#bare';\n" });
  assert.notEqual(place.closure().packages, undefined);
  place.write({ 'stages/a.ts': "import '#nothing';\n" });
  assert.match(
    refused(place, 'code.package-missing').message,
    /imports "#nothing", which no package\.json above it explains/,
  );
});
