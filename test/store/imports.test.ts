import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { PipelineError } from '../../src/base/error.ts';
import type { ContentHash } from '../../src/base/types.ts';
import { createClock } from '../../src/io/clock.ts';
import { createCodeReader } from '../../src/store/imports.ts';
import * as syntax from '../../src/store/syntax.ts';
import type { Closure, CodeReader } from '../../src/store/imports.ts';
import { createMemo } from '../../src/store/memo.ts';
import type { Memo } from '../../src/store/memo.ts';

type Files = Readonly<Record<string, string>>;

interface Place {
  readonly root: string;
  write(files: Files): void;
  /** Makes a file large without writing it, and lets the memo know the hash, as if it had been hashed. */
  enlarge(path: string, bytes: number, hash: ContentHash): void;
  closure(entry?: string): Closure;
  /** What was asked for on the way to the closure, or to what is wrong with it; sorted. */
  asked(): readonly string[];
}

const STAGE = { file: 'pipeline.yaml', line: 3, column: 10, length: 11 };

/** A project in a folder of its own, below a folder that other things may stand in. */
function project(files: Files, name = 'project'): Place {
  const above = realpathSync(mkdtempSync(join(tmpdir(), 'lockstep-imports-')));
  after(() => rmSync(above, { recursive: true, force: true }));
  const root = join(above, name);
  const clock = createClock();
  const open = (memo: Memo): CodeReader =>
    createCodeReader({
      root,
      memo,
      clock,
      path: join(above, 'code'),
      syntax,
      apiPackage: 'lockstep-data',
      apiFolder: join(root, 'node_modules/lockstep-data'),
      resolveOwn: (specifier) =>
        specifier === 'lockstep-data' ? undefined : join(root, 'node_modules', `${specifier}.ts`),
    });
  const place: Place = {
    root,
    write(more) {
      for (const [path, text] of Object.entries(more)) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), text);
      }
    },
    enlarge(path, bytes, hash) {
      truncateSync(join(root, path), bytes);
      const look = statSync(join(root, path));
      const memo = createMemo(join(above, 'memo'), look.mtimeMs);
      memo.remember(look, hash, { seenAt: look.ctimeMs + 1000, object: false });
      memo.save();
    },
    closure(entry = 'stages/a.ts') {
      const memo = createMemo(join(above, 'memo'), clock.now());
      const reader = open(memo);
      const closure = reader.closureOf(entry, STAGE);
      reader.save();
      memo.save();
      return closure;
    },
    asked() {
      const reader = open(createMemo(join(above, 'memo'), clock.now()));
      try {
        reader.closureOf('stages/a.ts', STAGE);
      } catch (error) {
        assert.ok(error instanceof PipelineError, String(error));
      }
      return [...reader.asked()].sort();
    },
  };
  place.write(files);
  return place;
}

const paths = (closure: Closure): readonly string[] => Object.keys(closure.files);

const sha256 = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

function refused(place: Place, code: string): PipelineError {
  try {
    place.closure();
  } catch (error) {
    assert.ok(error instanceof PipelineError, String(error));
    assert.equal(error.code, code);
    return error;
  }
  throw new assert.AssertionError({ message: `not refused with ${code}` });
}

const at = (error: PipelineError): string => {
  const [place] = error.problems[0].at ?? [];
  return `${place?.file}:${place?.line}:${place?.column}`;
};

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
  ["import '#lib/h%20h.ts'", ['lib/h h.ts']],
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

/** What a JSON file counts as, text by text, in a project whose module is `code`. */
function jsonHashes(code: string, texts: readonly string[]): readonly (string | undefined)[] {
  const place = project({ 'stages/a.ts': code });
  return texts.map((text) => {
    place.write({ 'stages/d.json': text });
    return place.closure().files['stages/d.json'];
  });
}

const JSON_TEXTS = [
  '{"a":[1,{"b":2,"c":3}],"big":12345678901234567890}',
  '{\n  "a": [1.0, {"b": 2, "c": 3}],\n  "big": 12345678901234567890\n}\n',
  '{"a":[1,{"b":2,"c":3}],"big":12345678901234567891}',
  '{"a":[{"b":2,"c":3},1],"big":12345678901234567890}',
  '{"a":[1,{"c":3,"b":2}],"big":12345678901234567890}',
  '{"big":12345678901234567890,"a":[1,{"b":2,"c":3}]}',
] as const;
const IMPORT = "import d from './d.json' with { type: 'json' };\n";
const URLS = [
  "new URL('./d.json', import.meta.url);\n",
  'new URL(`./${name}.json`, import.meta.url);\n',
  "new URL('../stages/d.json', import.meta.url);\n",
];

test('reformatted JSON that is imported is no change, another value or order of keys is', () => {
  for (const code of [IMPORT, "require('./d.json');\n", 'await import(`./${name}.json`);\n']) {
    const [first, reformatted, ...others] = jsonHashes(code, JSON_TEXTS);
    assert.equal(first, sha256(JSON_TEXTS[0]), 'keys in the order of RFC 8785: as ever');
    assert.equal(reformatted, first);
    assert.equal(new Set([first, ...others]).size, 5);
  }
});

test('of JSON that is named by URL each byte counts, also where it is imported, too', () => {
  const both = URLS.flatMap((url) => [url, IMPORT + url, url + IMPORT]);
  for (const code of both) assert.deepEqual(jsonHashes(code, JSON_TEXTS), JSON_TEXTS.map(sha256));
});

test('JSON of a package that is linked to its source may be read as text: each byte counts', () => {
  const manifest = '{ "version": "1.0.0", "name": "lib" }\n';
  const place = project({
    'stages/a.ts': "import 'lib';\n",
    'packages/lib/package.json': manifest,
    'packages/lib/index.ts': '',
  });
  mkdirSync(join(place.root, 'node_modules'));
  symlinkSync(join(place.root, 'packages/lib'), join(place.root, 'node_modules/lib'));
  assert.equal(place.closure().files['packages/lib/package.json'], sha256(manifest));
});

test('one module may import a JSON file whose bytes another reads', () => {
  const place = project({
    'stages/a.ts': IMPORT,
    'stages/b.ts': URLS[0] ?? '',
    'stages/d.json': '{ "a": 1 }',
  });
  assert.equal(place.closure('stages/a.ts').files['stages/d.json'], sha256('{"a":1}'));
  assert.equal(place.closure('stages/b.ts').files['stages/d.json'], sha256('{ "a": 1 }'));
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

test('a missing import names the importer and its place', () => {
  const place = project({ 'stages/a.ts': "import './b.ts';\n", 'stages/b.ts': "\n  import './gone.ts';\n" });
  const error = refused(place, 'code.missing');
  assert.equal(error.message, '"stages/gone.ts", which "stages/b.ts" needs, does not exist');
  assert.equal(at(error), 'stages/b.ts:2:3');
});

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
  const expected = (...names: readonly string[]): string =>
    `sha256:${createHash('sha256').update(names.join('\n')).digest('hex')}`;
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
  const hash = createHash('sha256').update('one@1.0.0\ntwo@1.0.0').digest('hex');
  assert.equal(place.closure().packages, `sha256:${hash}`);
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
  assert.deepEqual(paths(place.closure()), ['lib/exact.ts', 'lib/sub/x.ts', 'special/y.ts', 'stages/a.ts']);
  place.write({ ...installed('one', '1.0.0'), 'stages/a.ts': "import '#bare';\n" });
  assert.notEqual(place.closure().packages, undefined);
  place.write({ 'stages/a.ts': "import '#nothing';\n" });
  assert.match(
    refused(place, 'code.package-missing').message,
    /imports "#nothing", which no package\.json above it explains/,
  );
});
