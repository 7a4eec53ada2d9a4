import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { ContentHash, HashAlgorithm } from '../../src/base/types.ts';
import { assertCleanPrototype } from '../crash/prototype.ts';
import { createManifestWriter } from '../../src/store/manifest-writer.ts';
import { formatManifest, hashManifest, parseManifest } from '../../src/store/tree.ts';
import type { TreeEntry } from '../../src/store/tree.ts';

const md5 = (text: string): ContentHash => `md5:${createHash('md5').update(text).digest('hex')}`;
const entriesOf = (files: Readonly<Record<string, string>>): readonly TreeEntry[] =>
  Object.entries(files).map(([relpath, text]) => ({ relpath, hash: md5(text) }));
const sorted = (entries: readonly TreeEntry[]): readonly TreeEntry[] =>
  [...entries].sort((a, b) => Buffer.compare(Buffer.from(a.relpath), Buffer.from(b.relpath)));

/** Manifests and their names as written by DVC 3.67.1, and by Python's json and hashlib. */
const VECTORS: readonly {
  readonly what: string;
  readonly files: Readonly<Record<string, string>>;
  readonly manifest: string;
  readonly hash: string;
  /** DVC writes names that other systems cannot have; they are not read back. */
  readonly unreadable?: true;
}[] = [
  { what: 'an empty folder', files: {}, manifest: '[]', hash: 'd751713988987e9331980363e24189ce' },
  {
    what: 'names sorted by the whole path',
    files: { 'a/b.txt': '1\n', 'a.txt': '2\n', 'a-1': '3\n', a0: '4\n', 'B.txt': '5\n' },
    manifest:
      '[{"md5": "1dcca23355272056f04fe8bf20edfce0", "relpath": "B.txt"}, {"md5": "6d7fce9fee471194aa8b5b6e47267f03", "relpath": "a-1"}, {"md5": "26ab0db90d72e28ad0ba1e22ee510510", "relpath": "a.txt"}, {"md5": "b026324c6904b2a9cb4b88d6d61c81d1", "relpath": "a/b.txt"}, {"md5": "48a24b70a0b376535542b996af517398", "relpath": "a0"}]',
    hash: '7935b8fb9d024236f3d3a2b4c04b3d5f',
  },
  {
    what: 'names sorted by code point, composed and decomposed ones apart',
    files: {
      '\uFF21.txt': 'fullwidth\n',
      '\u{1F600}.txt': 'emoji\n',
      '\u00E9.txt': 'nfc\n',
      'e\u0301.txt': 'nfd\n',
      'z.txt': 'z\n',
    },
    manifest: String.raw`[{"md5": "96d88969fc70fb5670fd7b0a8602083e", "relpath": "e\u0301.txt"}, {"md5": "a8a78d0ff555c931f045b6f448129846", "relpath": "z.txt"}, {"md5": "37a1ef4a479b982d7354124d23ed98b4", "relpath": "\u00e9.txt"}, {"md5": "83e171ed1115d726d402de5232eb612b", "relpath": "\uff21.txt"}, {"md5": "027a1b1d8e537e3a87b2c80370d31885", "relpath": "\ud83d\ude00.txt"}]`,
    hash: '0d33070219d5d63bd940769900050d40',
  },
  {
    what: 'names that must be escaped',
    files: {
      '\u0001ctl.txt': 'c\n',
      "ap'os<&>.txt": 'a\n',
      'back\\slash.txt': 'b\n',
      'del\u007F.txt': 'd\n',
      'nl\nx.txt': 'n\n',
      'q"uote.txt': 'q\n',
      'sp ace.txt': 's\n',
      'tab\there.txt': 't\n',
    },
    manifest: String.raw`[{"md5": "2cd6ee2c70b0bde53fbe6cac3c8b8bb1", "relpath": "\u0001ctl.txt"}, {"md5": "60b725f10c9c85c70d97880dfe8191b3", "relpath": "ap'os<&>.txt"}, {"md5": "3b5d5c3712955042212316173ccf37be", "relpath": "back\\slash.txt"}, {"md5": "e29311f6f1bf1af907f9ef9f44b8328b", "relpath": "del\u007f.txt"}, {"md5": "fe13119fb084fe8bbf5fe3ab7cc89b3b", "relpath": "nl\nx.txt"}, {"md5": "c3be117041a113540deb0ff532b19543", "relpath": "q\"uote.txt"}, {"md5": "f4d5d0c0671be202bc241807c243e80b", "relpath": "sp ace.txt"}, {"md5": "b7269fa2508548e4032c455818f1e321", "relpath": "tab\there.txt"}]`,
    hash: '3ac85bf14d3f39cc46551325527a1ddf',
    unreadable: true,
  },
  {
    what: 'a folder below a folder',
    files: { 'a.csv': 'id,x\n1,2\n', 'd/ünï.txt': 'é\n' },
    manifest: String.raw`[{"md5": "5d02e4d2354eae28589766cca211477d", "relpath": "a.csv"}, {"md5": "88df14e6957d2adb8ae54d0269f546ab", "relpath": "d/\u00fcn\u00ef.txt"}]`,
    hash: '7770ce017d9640ab762e47d6afe5d6f6',
  },
];

for (const { what, files, manifest, hash, unreadable } of VECTORS) {
  test(`the manifest of ${what} is DVC's, byte for byte`, () => {
    const entries = entriesOf(files);
    assert.equal(String(formatManifest(entries, 'md5')), manifest);
    assert.equal(String(formatManifest([...entries].reverse(), 'md5')), manifest);
    assert.equal(hashManifest(Buffer.from(manifest), 'md5'), `md5:${hash}.dir`);
    if (unreadable) return;
    assert.deepEqual(parseManifest(Buffer.from(manifest), 'md5'), sorted(entries));
  });
}

test('a SHA-256 manifest differs in its key only', () => {
  const hash = `sha256:${'0'.repeat(64)}` as const;
  assert.equal(
    String(formatManifest([{ relpath: 'a', hash }], 'sha256')),
    `[{"sha256": "${'0'.repeat(64)}", "relpath": "a"}]`,
  );
});

const HEX = '0'.repeat(32);
const entry = (relpath: string, hex = HEX): string =>
  `{"md5": "${hex}", "relpath": ${JSON.stringify(relpath)}}`;

const HOSTILE: readonly (readonly [
  what: string,
  text: string | Uint8Array,
  why: RegExp,
  algorithm?: HashAlgorithm,
])[] = [
  ['a path that climbs', `[${entry('../evil')}]`, /leaves its folder by ".."/],
  ['a path that climbs midway', `[${entry('a/../../evil')}]`, /leaves its folder by ".."/],
  ['an absolute path', `[${entry('/etc/passwd')}]`, /is absolute/],
  ['a drive letter', `[${entry('C:/evil')}]`, /begins with "C:", a drive/],
  ['a backslash', `[${entry('a\\b')}]`, /contains a backslash/],
  ['a NUL', `[${entry('a\0b')}]`, /contains a NUL/],
  ['an empty path', `[${entry('')}]`, /is empty/],
  ['an empty part', `[${entry('a//b')}]`, /empty or "." part/],
  ['a dot', `[${entry('./a')}]`, /empty or "." part/],
  ['a trailing slash', `[${entry('a/')}]`, /empty or "." part/],
  ['git’s folder', `[${entry('.git/hooks/post-checkout')}]`, /goes through ".git"/],
  ['git’s folder in another case, deeper', `[${entry('sub/.GIT/config')}]`, /goes through ".GIT"/],
  ['our own folder', `[${entry('.Lockstep/memo')}]`, /goes through ".Lockstep"/],
  ['half a character', `[{"md5": "${HEX}", "relpath": "\\ud800"}]`, /half a character/],
  ['one path twice', `[${entry('a')}, ${entry('a')}]`, /names one path twice/],
  ['a file that is also a folder', `[${entry('a')}, ${entry('a/b')}]`, /"a" is both a file and a folder/],
  ['an unknown key', `[{"md5": "${HEX}", "relpath": "a", "mode": 4095}]`, /unknown key "mode"/],
  ['a key twice', `[{"md5": "${HEX}", "md5": "${HEX}", "relpath": "a"}]`, /not laid out/],
  ['no path', `[{"md5": "${HEX}"}]`, /has no relpath/],
  ['a path that is a number', `[{"md5": "${HEX}", "relpath": 1}]`, /has no relpath/],
  ['no hash', `[{"relpath": "a"}]`, /unknown key|no valid md5/],
  ['another key of that length', `[${entry('a').replace('md5', 'md6')}]`, /unknown key "md6"/],
  ['another key of the path', `[${entry('a').replace('relpath', 'relpaht')}]`, /unknown key "relpaht"/],
  ['a prototype', `[{"__proto__": {"relpath": "a"}, "md5": "${HEX}"}]`, /unknown key "__proto__"/],
  ['a prototype beside all', `[${entry('a').slice(0, -1)}, "__proto__": {}}]`, /unknown key "__proto__"/],
  ['a short hash', `[${entry('a', 'abc')}]`, /no valid md5/],
  ['an upper-case hash', `[${entry('a', 'A'.repeat(32))}]`, /no valid md5/],
  ['a folder as an entry', `[${entry('a', `${HEX}.dir`)}]`, /no valid md5/],
  ['a hash with a path in it', `[${entry('a', `${'0'.repeat(30)}/.`)}]`, /no valid md5/],
  ['another algorithm', `[${entry('a')}]`, /unknown key "md5"/, 'sha256'],
  ['an entry that is null', '[null]', /an entry is not a map/],
  ['an entry that is a list', '[[]]', /has no relpath/],
  ['an entry that is a text', '["a"]', /an entry is not a map/],
  ['a map', '{}', /it is not a list/],
  ['no JSON', '[', /it is not JSON/],
  ['an empty file', '', /it is not JSON/],
  ['a byte order mark', '\uFEFF[]', /it is not JSON/],
  ['blanks', '[ ]', /not laid out/],
  ['no blanks', `[${entry('a').replaceAll(' ', '')}]`, /not laid out/],
  ['a line feed at the end', '[]\n', /not laid out/],
  ['more behind its end', `[${entry('a')}]]`, /it is not JSON/],
  ['a letter that need not be escaped', `[${entry('a').replace('"a"', '"\\u0061"')}]`, /not laid out/],
  ['an escape in upper case', `[${entry('a').replace('"a"', '"\\u00E9"')}]`, /not laid out/],
  ['an entry that does not end', `[${entry('a').slice(0, -2)}`, /it is not JSON/],
  ['an entry that ends otherwise', `[${entry('a').slice(0, -1)}]]`, /it is not JSON/],
  ['another bracket before it', `{${entry('a')}]`, /it is not JSON/],
  ['a backslash at the end of a path', `[${entry('a\\')}]`, /contains a backslash/],
  ['a path that ends in a backslash', `[${entry('a').replace('"a"', '"a\\"')}]`, /it is not JSON/],
  ['a wrong order', `[${entry('b')}, ${entry('a')}]`, /not laid out or sorted/],
  ['letters that should be escaped', `[${entry('é')}]`, /not laid out/],
  [
    'bytes that are no UTF-8',
    Buffer.from(`[${entry('aXb')}]`).map((byte) => (byte === 0x58 ? 0xff : byte)),
    /not laid out/,
  ],
  ['lists in lists', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, /unknown key "0"|not JSON/],
];

for (const [what, text, why, algorithm = 'md5'] of HOSTILE) {
  test(`a manifest with ${what} is refused`, () => {
    assert.throws(() => parseManifest(typeof text === 'string' ? Buffer.from(text) : text, algorithm), {
      code: 'manifest.invalid',
      message: why,
    });
    assertCleanPrototype();
  });
}

test('a manifest that is written file by file is the same, digests written late or not, and tells its paths', () => {
  for (const { files, manifest } of VECTORS) {
    const entries = sorted(entriesOf(files));
    const writer = createManifestWriter('md5');
    const places = entries.map(({ relpath, hash }, index) => {
      const cut = relpath.lastIndexOf('/') + 1;
      const at = writer.add(relpath.slice(0, cut), relpath.slice(cut));
      if (index % 2 === 0) writer.bytes().write(hash.slice('md5:'.length), at);
      return at;
    });
    const written = writer.end();
    for (const [index, at] of places.entries()) {
      if (index % 2 === 1) written.write(entries[index]?.hash.slice('md5:'.length) ?? '', at);
      assert.equal(writer.pathAt(at, places[index + 1]), entries[index]?.relpath);
    }
    assert.equal(written.toString('latin1'), manifest);
  }
});

test('a name that is longer than all before, each letter escaped, is written to its end', () => {
  const [relpath, written] = ['é', String.raw`\u00e9`].map((letter) => letter.repeat(1000));
  const manifest = formatManifest([{ relpath: relpath ?? '', hash: `md5:${HEX}` }], 'md5');
  assert.equal(String(manifest), `[{"md5": "${HEX}", "relpath": "${written}"}]`);
});

test('names of any letters come back as they were written', () => {
  const names = [
    '"',
    '""',
    'a"b',
    "'",
    'a\tb',
    'a\nb',
    '\u007f',
    'é',
    '\u2028',
    '\uFFFD',
    '🎉',
    'a, b',
    'x": "y',
    '}, {',
  ];
  // The second is in the order of code units.
  for (const some of [names, ['🎉', '\uFFFD']]) {
    const entries = some.map((relpath) => ({ relpath, hash: md5(relpath) }));
    const manifest = formatManifest(entries, 'md5');
    assert.deepEqual(parseManifest(manifest, 'md5'), sorted(entries));
  }
});

test('a manifest of thousands of files is the same when it is written file by file', () => {
  const entries = Array.from({ length: 5000 }, (_, index) => ({
    relpath: `folder/é"${index + 10_000}`,
    hash: md5(String(index)),
  }));
  const writer = createManifestWriter('md5');
  for (const { relpath, hash } of entries) {
    const at = writer.add('folder/', relpath.slice('folder/'.length));
    writer.bytes().write(hash.slice('md5:'.length), at);
  }
  assert.deepEqual(writer.end(), formatManifest(entries, 'md5'));
});
