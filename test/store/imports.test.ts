import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { ContentHash } from '../../src/base/types.ts';
import { at, paths, project, refused, sha256 } from './code-project.ts';
import type { Files, Place } from './code-project.ts';

test('the closure holds what is imported, directly or not, and what is named by URL or pattern', () => {
  const place = project({
    'stages/a.ts': `import { b } from './b.ts';
import type { T } from './types.ts';
export { c } from '../lib/c.js';
const data = new URL('./table.csv', import.meta.url);
const part = await import(\`./parts/\${b}.ts\`);
const folder = new URL('./shapes/', import.meta.url);
`,
    'stages/b.ts': "import d from './d.json' with { type: 'json' };\nimport './a.ts';\nexport const b = d;\n",
    'stages/types.ts': 'export type T = 1;\n',
    'lib/c.js': 'export const c = 1;\n',
    'stages/d.json': '{"x": 1}',
    'stages/table.csv': '1,2\n',
    'stages/parts/one.ts': 'export default 1;\n',
    'stages/parts/two.ts': 'export default 2;\n',
    'stages/parts/deep/three.ts': 'export default 3;\n',
    'stages/parts/one.js': 'export default 4;\n',
    'stages/shapes/x/round.bin': 'o',
    'stages/shapes/.hidden': 'h',
    'stages/other.ts': 'export {};\n',
  });
  const closure = place.closure();
  assert.deepEqual(paths(closure), [
    'lib/c.js',
    'stages/a.ts',
    'stages/b.ts',
    'stages/d.json',
    'stages/parts/one.ts',
    'stages/parts/two.ts',
    'stages/shapes/x/round.bin',
    'stages/table.csv',
  ]);
  assert.equal(closure.files['stages/table.csv'], sha256('1,2\n'));
  assert.equal(closure.files['stages/d.json'], sha256('{"x":1}'));
  assert.match(closure.files['stages/a.ts'] ?? '', /^ast1:[0-9a-f]{64}$/);
  assert.equal(closure.packages, undefined);
  assert.equal(closure.importers['stages/d.json'], 'stages/b.ts');
  assert.equal(closure.importers['stages/a.ts'], undefined);
});

const ADDRESSED: readonly (readonly [code: string, files: readonly string[]])[] = [
  ["new URL('./assets', import.meta.url)", ['stages/assets/deep/y.txt', 'stages/assets/x y.txt']],
  ["new URL('assets/', import.meta.url)", ['stages/assets/deep/y.txt', 'stages/assets/x y.txt']],
  ["new URL('../stages/assets/deep/.', import.meta.url)", ['stages/assets/deep/y.txt']],
  ["new URL('../lib', import.meta.url)", ['lib/100%.ts', 'lib/h h.ts']],
  ["new URL('assets/x%20y.txt', import.meta.url)", ['stages/assets/x y.txt']],
  ["new URL('./assets/x y.txt?size=1#top', import.meta.url)", ['stages/assets/x y.txt']],
  ["import '../lib/h%20h.ts'", ['lib/h h.ts']],
  ["import '../lib/h%20h.ts?again'", ['lib/h h.ts']],
  ['await import(`../lib/h%20${h}.ts`)', ['lib/h h.ts']],
  ["import '#lib/h%20h.ts'", ['lib/h h.ts', 'package.json']],
  // Node says itself that it takes no such text for a URL.
  ["import '../lib/100%.ts'", ['lib/100%.ts']],
  // Folders around the module.
  ["new URL('.', import.meta.url)", []],
  ["new URL('./', import.meta.url)", []],
  ["new URL('../stages/', import.meta.url)", []],
  ["new URL('..', import.meta.url)", []],
  ["new URL('../..', import.meta.url)", []],
  ["new URL('https://example.com/', import.meta.url)", []],
];

for (const [code, files] of ADDRESSED) {
  test(`what ${code} leads to: ${files.join(', ') || 'no file'}`, () => {
    const place = project({
      'package.json': '{ "imports": { "#lib/*": "./lib/*" } }',
      'stages/a.ts': `${code};\n`,
      'stages/assets/x y.txt': 'x',
      'stages/assets/deep/y.txt': 'y',
      'lib/h h.ts': '',
      'lib/100%.ts': '',
    });
    assert.deepEqual(
      paths(place.closure()).filter((path) => path !== 'stages/a.ts'),
      files,
    );
  });
}

test('what was asked for are files, those that are not there, folders of patterns, and what explains packages', () => {
  const place = project({ 'stages/a.ts': "import './b.ts';\n" });
  assert.deepEqual(place.asked(), ['stages/a.ts', 'stages/b.ts']);
  place.write({ 'stages/b.ts': 'const broken = ;\n' });
  assert.deepEqual(place.asked(), ['stages/a.ts', 'stages/b.ts']);
  place.write({
    'stages/b.ts': 'await import(`../parts/x-${1}/${2}.ts`);\nnew URL("../shapes/", import.meta.url);\n',
    'shapes/round.bin': 'o',
  });
  assert.deepEqual(place.asked(), ['parts', 'shapes', 'shapes/round.bin', 'stages/a.ts', 'stages/b.ts']);
  place.write({ 'package.json': '{}', 'stages/b.ts': "import '#c';\n" });
  assert.deepEqual(place.asked(), ['package.json', 'stages/a.ts', 'stages/b.ts', 'stages/package.json']);
  place.write({ 'stages/b.ts': "import 'none';\n" });
  assert.deepEqual(place.asked(), [
    'bun.lock',
    'package-lock.json',
    'package.json',
    'pnpm-lock.yaml',
    'stages/a.ts',
    'stages/b.ts',
    'yarn.lock',
  ]);
});

test('the chain that is told to a file is the shortest', () => {
  const { importers } = project({
    'stages/a.ts': "import './far.ts';\nimport './near.ts';\n",
    'stages/far.ts': "import './farther.ts';\n",
    'stages/farther.ts': "import './x.ts';\n",
    'stages/near.ts': "import './x.ts';\n",
    'stages/x.ts': '',
  }).closure();
  assert.equal(importers['stages/x.ts'], 'stages/near.ts');
});

test('the same bytes as code, as JSON and as text have a hash each, whichever is read first', () => {
  const files = (order: readonly string[]): Files => ({
    'stages/a.ts': order.map((path) => `new URL('./${path}', import.meta.url);\n`).join(''),
    'stages/x.ts': '1',
    'stages/x.js': '1',
    'stages/x.json': '1',
    'stages/x.txt': '1',
  });
  const names = ['x.ts', 'x.json', 'x.txt', 'x.js'];
  const first = project(files(names));
  const last = project(files([...names].reverse()));
  const hashes = (place: Place): readonly (string | undefined)[] =>
    names.map((name) => place.closure().files[`stages/${name}`]);
  const expected = hashes(first);
  assert.deepEqual(hashes(first), expected, 'also from what was kept');
  assert.deepEqual(hashes(last), expected);
  assert.equal(expected[0], expected[3], 'TypeScript without types is JavaScript');
  assert.match(expected[0] ?? '', /^ast1:/);
  assert.match(expected[1] ?? '', /^sha256:/);
});

test('a file that no text can hold counts as its bytes, and is not read at once', () => {
  for (const name of ['clip.ts', 'rows.json', 'image.bin']) {
    const place = project({
      'stages/a.ts': "new URL('./assets', import.meta.url);\n",
      [`stages/assets/${name}`]: '',
    });
    const hash: ContentHash = `sha256:${'7'.repeat(64)}`;
    place.enlarge(`stages/assets/${name}`, 2 ** 31, hash);
    assert.equal(place.closure().files[`stages/assets/${name}`], hash);
  }
});

test('a project in a folder with brackets, stars and blanks has the same closure', () => {
  const files = {
    'stages/a.ts': 'const part = await import(`./[parts]/x-${1}.ts`);\n',
    'stages/[parts]/x-1.ts': '1',
    'stages/[parts]/y-1.ts': '2',
    'stages/p/x-1.ts': '3',
  };
  const plain = project(files).closure();
  assert.deepEqual(paths(plain), ['stages/[parts]/x-1.ts', 'stages/a.ts']);
  assert.deepEqual(project(files, 'my {project} [1] *').closure().files, plain.files);
});

test('a star in the name of the project stands for itself where a template names files', () => {
  const files = { 'stages/a.ts': 'await import(`./parts/x-${1}.ts`);\n', 'stages/parts/x-1.ts': '1' };
  const place = project(files, 'a*b');
  const twin = join(dirname(place.root), 'a-b/stages/parts/x-2.ts');
  mkdirSync(dirname(twin), { recursive: true });
  writeFileSync(twin, '2');
  assert.deepEqual(paths(place.closure()), ['stages/a.ts', 'stages/parts/x-1.ts']);
  assert.deepEqual(place.asked(), ['stages/a.ts', 'stages/parts', 'stages/parts/x-1.ts']);
});

test('what a linked file imports is looked for from where the file really is, as Node does', () => {
  const place = project({
    'stages/a.ts': "import './deep/b.ts';\nimport './linked.ts';\n",
    'stages/c.ts': 'a stranger',
    'stages/d.ts': 'another',
    'shared/deep/b.ts': "import '../c.ts';\nimport './near.ts';\n",
    'shared/deep/near.ts': 'near',
    'shared/c.ts': 'c',
    'shared/file.ts': "import './d.ts';\nnew URL('../shared', import.meta.url);\n",
    'shared/d.ts': 'd',
  });
  symlinkSync('../shared/deep', join(place.root, 'stages/deep'));
  symlinkSync('../shared/file.ts', join(place.root, 'stages/linked.ts'));
  assert.deepEqual(paths(place.closure()), [
    'shared/c.ts',
    'shared/d.ts',
    'stages/a.ts',
    'stages/deep/b.ts',
    'stages/deep/near.ts',
    'stages/linked.ts',
  ]);
});

test('a missing import names the importer and its place', () => {
  const place = project({ 'stages/a.ts': "import './b.ts';\n", 'stages/b.ts': "\n  import './gone.ts';\n" });
  const error = refused(place, 'code.missing');
  assert.equal(error.message, '"stages/gone.ts", which "stages/b.ts" needs, does not exist');
  assert.equal(at(error), 'stages/b.ts:2:3');
});

for (const [specifier, file] of [
  ['./b.js', 'stages/b.ts'],
  ['./b.mjs', 'stages/b.mts'],
  ['./b', 'stages/b.mjs'],
  ['../lib', 'lib/index.ts'],
] as const) {
  test(`of a missing ${specifier} the hint names ${file}, which a compiler would take`, () => {
    const place = project({ 'stages/a.ts': `import '${specifier}';\n`, [file]: '' });
    assert.equal(
      refused(place, 'code.missing').problems[0].hint,
      `write imports with their file extension, as Node does ("${file}" is there)`,
    );
  });
}

test('a missing module names its place in pipeline.yaml', () => {
  const error = refused(project({}), 'code.missing');
  assert.equal(error.message, '"stages/a.ts", which the stage needs, does not exist');
  assert.equal(at(error), 'pipeline.yaml:3:10');
  assert.equal(error.problems[0].hint, 'create it, or correct the path after "run:"');
});

test('an import that leaves the project is refused with its place', () => {
  const error = refused(project({ 'stages/a.ts': "import '../../outside.ts';\n" }), 'code.outside');
  assert.equal(at(error), 'stages/a.ts:1:1');
});

test('what Node takes for a path is no package that could be installed', () => {
  for (const [specifier, code] of [
    ['/etc/x.js', 'code.outside'],
    ['..', 'code.outside'],
    ['.', 'code.missing'],
    ['', 'code.missing'],
  ] as const)
    assert.equal(
      at(refused(project({ 'stages/a.ts': `import '${specifier}';\n` }), code)),
      'stages/a.ts:1:1',
    );
  const place = project({ 'lib/x.ts': '' });
  place.write({ 'stages/a.ts': `import '${place.root}/lib/x.ts';\n` });
  assert.deepEqual(paths(place.closure()), ['lib/x.ts', 'stages/a.ts']);
});

test('a URL of a file that leaves the project, or of one that is not there, is refused', () => {
  const refusal = (code: string, specifier: string): string =>
    refused(project({ 'stages/a.ts': `new URL('${specifier}', import.meta.url);\n` }), code).message;
  assert.equal(
    refusal('code.outside', '../../out%20side.txt'),
    '"stages/a.ts" imports "../../out%20side.txt", which lies outside the project',
  );
  assert.equal(
    refusal('code.missing', 'a%20b.txt'),
    '"stages/a b.txt", which "stages/a.ts" needs, does not exist',
  );
});

test('code that does not parse is refused with its place', () => {
  const error = refused(
    project({ 'stages/a.ts': "import './b.ts';", 'stages/b.ts': 'f();\nenum A { B }\n' }),
    'code.syntax',
  );
  assert.equal(at(error), 'stages/b.ts:2:1');
  assert.match(error.message, /^"stages\/b\.ts" does not parse: TypeScript enum/);
});

test('of a plain name code may be CommonJS that no module may be; what is neither is refused as a module', () => {
  const place = project({
    'stages/a.ts': "import './b.js';\n",
    'stages/b.js': "with (require('./c.cjs')) exports.mode = 0644;\nreturn;\n",
    'stages/c.cjs': '',
  });
  assert.deepEqual(paths(place.closure()), ['stages/a.ts', 'stages/b.js', 'stages/c.cjs']);
  place.write({ 'stages/b.js': 'export default 0644;\n' });
  assert.equal(at(refused(place, 'code.syntax')), 'stages/b.js:1:16');
  place.write({ 'stages/a.ts': "import './b.mjs';\n", 'stages/b.mjs': 'return;\n' });
  assert.equal(at(refused(place, 'code.syntax')), 'stages/b.mjs:1:1');
});
