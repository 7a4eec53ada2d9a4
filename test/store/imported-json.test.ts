import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { project, sha256 } from './code-project.ts';

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
