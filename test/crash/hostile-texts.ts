/** Paths that leave their folder, reach what is not theirs, or mean another file elsewhere. */
export const HOSTILE_PATHS: readonly string[] = [
  '../victim',
  'a/../../victim',
  'a/..',
  '..',
  '.',
  './a',
  'a//b',
  'a/',
  '/victim',
  '//victim',
  '/etc/passwd',
  'C:/victim',
  'c:victim',
  String.raw`..\victim`,
  String.raw`a\b`,
  '.git/config',
  '.GIT/hooks/post-checkout',
  'a/.Git/config',
  '.lockstep/memo',
  '.LockStep/attempts/x',
  'a/.lockstep/b',
  'a\0b',
  '\0',
  'a\uD800b',
  '',
];

const HASH = `sha256:${'ab'.repeat(32)}`;

/** A lock of one shell stage with the given lines as its entry, which say everything but what is hostile. */
function lockOf(lines: string): string {
  return `lockfile: 1\nstages:\n  s:\n    action: { cmd: x }\n${lines}`;
}

const OUT = `    declares: [{ path: o }]\n    outs:\n      - path: o\n        hash: ${HASH}\n`;

/** Locks that must be refused, by what is wrong with them. */
export const HOSTILE_LOCKS: Readonly<Record<string, string>> = {
  empty: '',
  'a NUL': '\0',
  'a text': 'lockstep',
  'a list': '- 1\n',
  'no version': 'stages: {}\n',
  'a version that is text': 'lockfile: "1"\nstages: {}\n',
  'a version of tomorrow': 'lockfile: 2\nstages: {}\n',
  'an unknown key': 'lockfile: 1\nstages: {}\nmore: 1\n',
  'stages that are a list': 'lockfile: 1\nstages: []\n',
  'a stage that is null': 'lockfile: 1\nstages: { s: null }\n',
  'a key twice': 'lockfile: 1\nstages: {}\nstages: {}\n',
  'a stage twice': lockOf('') + '  s: { action: { cmd: y } }\n',
  'two documents': 'lockfile: 1\nstages: {}\n---\nlockfile: 1\nstages: {}\n',
  'an alias': 'lockfile: 1\nstages: { a: &a { action: { cmd: x } }, b: *a }\n',
  'an alias of itself': 'lockfile: 1\nstages: &a { s: *a }\n',
  'aliases of aliases': `lockfile: 1\na: &a [x]\n${'bcdefghij'
    .split('')
    .map((name, at) => `${name}: &${name} [${`*${'abcdefghij'[at]},`.repeat(9)}]\n`)
    .join('')}`,
  'a tag for a function': 'lockfile: 1\nstages: { s: !!js/function "x" }\n',
  'a tag of its own': 'lockfile: 1\nstages: !mine {}\n',
  'a tag for binary': lockOf('    tick: !!binary AAAA\n'),
  'endless brackets': `lockfile: 1\nstages: ${'['.repeat(100_000)}\n`,
  'endless braces': `lockfile: 1\nstages: ${'{a: '.repeat(20_000)}\n`,
  'endless indentation': `lockfile: 1\nstages:\n${Array.from({ length: 2000 }, (_, depth) => `${' '.repeat(depth + 1)}a:\n`).join('')}`,
  'endless sequences': `lockfile: 1\nstages:\n  ${'- '.repeat(50_000)}\n`,
  'a size that is no count': lockOf(`${OUT}        size: 1.5\n`),
  'a negative size': lockOf(`${OUT}        size: -1\n`),
  'a size beyond all': lockOf(`${OUT}        size: 99999999999999999999999\n`),
  'a size that is infinite': lockOf(`${OUT}        size: .inf\n`),
  'a size in words': lockOf(`${OUT}        size: "12"\n`),
  'a file with a count of files': lockOf(`${OUT}        size: 1\n        files: 3\n`),
  'an exec that is a text': lockOf(`${OUT}        size: 1\n        exec: "yes"\n`),
  'a hash that is a path': lockOf(OUT.replace(HASH, 'sha256:../../../../etc/passwd') + '        size: 1\n'),
  'a hash in capitals': lockOf(OUT.replace(HASH, HASH.toUpperCase()) + '        size: 1\n'),
  'a hash of nothing known': lockOf(OUT.replace('sha256', 'crc32') + '        size: 1\n'),
  'an out twice': lockOf(
    `    declares: []\n    outs:\n${`      - { path: o, hash: "${HASH}", size: 1 }\n`.repeat(2)}`,
  ),
  'an out inside an out': lockOf(
    `    declares: []\n    outs:\n      - { path: o, hash: "${HASH}", size: 1 }\n      - { path: o/p, hash: "${HASH}", size: 1 }\n`,
  ),
  'a tick that is no instant': lockOf('    tick: 2026-99-99T00:00:00Z\n'),
  'prototypes for an action': 'lockfile: 1\nstages: { s: { __proto__: { action: { cmd: x } } } }\n',
  'a merge key': 'lockfile: 1\nstages: { s: { <<: { action: { cmd: x } } } }\n',
};

/** Manifests that must be refused, by what is wrong with them. */
export const HOSTILE_MANIFESTS: Readonly<Record<string, string>> = {
  empty: '',
  'no list': '{}',
  'null for an entry': '[null]',
  'a list for an entry': '[[]]',
  'a text for an entry': '["a"]',
  'no relpath': `[{"sha256": "${'ab'.repeat(32)}"}]`,
  'no hash': '[{"relpath": "a"}]',
  'a hash that is a path': '[{"sha256": "../../../../etc/passwd", "relpath": "a"}]',
  'a hash that is short': '[{"sha256": "ab", "relpath": "a"}]',
  'a folder for a file': `[{"sha256": "${'ab'.repeat(32)}.dir", "relpath": "a"}]`,
  'another algorithm': `[{"md5": "${'ab'.repeat(16)}", "relpath": "a"}]`,
  'a key twice': `[{"sha256": "${'cd'.repeat(32)}", "sha256": "${'ab'.repeat(32)}", "relpath": "a"}]`,
  'a prototype': `[{"__proto__": {"relpath": "a"}, "sha256": "${'ab'.repeat(32)}"}]`,
  'a prototype beside all': `[{"sha256": "${'ab'.repeat(32)}", "relpath": "a", "__proto__": {}}]`,
  'a file that is also a folder': manifestOf(['a', 'a/b']),
  'a file twice': manifestOf(['a', 'a']),
  unsorted: manifestOf(['b', 'a']),
  'endless brackets': '['.repeat(200_000),
  'endless entries': `[${'{},'.repeat(100_000)}{}]`,
  'no blanks': manifestOf(['a']).replaceAll(' ', ''),
  'a newline at its end': `${manifestOf(['a'])}\n`,
  'a byte-order mark': `\uFEFF${manifestOf(['a'])}`,
};

/** A manifest of files that all hold the same, laid out as it must be. */
export function manifestOf(paths: readonly string[]): string {
  const items = paths.map((path) => `{"sha256": "${'ab'.repeat(32)}", "relpath": ${JSON.stringify(path)}}`);
  return `[${items.join(', ')}]`;
}
