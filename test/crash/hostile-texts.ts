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

const TREE = OUT.replace(HASH, `${HASH}.dir`);

/** Locks that must be refused, by what is wrong with them; those that differ from a sound one in a word are in the tests of the lock. */
export const HOSTILE_LOCKS: Readonly<Record<string, string>> = {
  'a NUL': '\0',
  'a version that is text': 'lockfile: "1"\nstages: {}\n',
  'a stage that is null': 'lockfile: 1\nstages: { s: null }\n',
  'a key twice': 'lockfile: 1\nstages: {}\nstages: {}\n',
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
  'a size beyond all': lockOf(`${OUT}        size: 99999999999999999999999\n`),
  'a size that is infinite': lockOf(`${OUT}        size: .inf\n`),
  'a count of files that is no count': lockOf(`${TREE}        size: 1\n        files: 0.5\n`),
  'a negative count of files': lockOf(`${TREE}        size: 1\n        files: -1\n`),
  'a count of files beyond all': lockOf(`${TREE}        size: 1\n        files: 9007199254740993\n`),
  'a count of files that is infinite': lockOf(`${TREE}        size: 1\n        files: .inf\n`),
  'a count of files in words': lockOf(`${TREE}        size: 1\n        files: many\n`),
  'an exec that is a text': lockOf(`${OUT}        size: 1\n        exec: "yes"\n`),
  'a hash that is a path': lockOf(OUT.replace(HASH, 'sha256:../../../../etc/passwd') + '        size: 1\n'),
  'a hash in capitals': lockOf(OUT.replace(HASH, HASH.toUpperCase()) + '        size: 1\n'),
  'a hash of nothing known': lockOf(OUT.replace('sha256', 'crc32') + '        size: 1\n'),
  'a tick that is no instant': lockOf('    tick: 2026-99-99T00:00:00Z\n'),
  'prototypes for an action': 'lockfile: 1\nstages: { s: { __proto__: { action: { cmd: x } } } }\n',
  'a merge key': 'lockfile: 1\nstages: { s: { <<: { action: { cmd: x } } } }\n',
};

/** A manifest of files that all hold the same, laid out as it must be. */
export function manifestOf(paths: readonly string[]): string {
  const items = paths.map((path) => `{"sha256": "${'ab'.repeat(32)}", "relpath": ${JSON.stringify(path)}}`);
  return `[${items.join(', ')}]`;
}

/** A run-cache entry of one shell stage; `outs` and `more` are JSON, the latter behind what an entry must have. */
function entryOf(outs: string, more = ''): string {
  return `{"version":1,"result":{"action":{"cmd":"x"},"params":{},"deps":[],"declares":[{"path":"o"}],"outs":[${outs}]}${more}}`;
}

/** An out of an entry; further fields are JSON. */
function entryOut(more: string, hash = HASH): string {
  return `{"path":"o","hash":"${hash}",${more}}`;
}

/** An entry that is believed, so that the hostile ones differ in one thing. */
export const SANE_ENTRY: string = entryOf(entryOut('"size":1'));

/** The same of run-cache entries, which must be as if they were not there. */
export const HOSTILE_ENTRIES: Readonly<Record<string, string>> = {
  'a text': '"x"',
  'two entries': `${SANE_ENTRY}\n${SANE_ENTRY}`,
  'a result twice': entryOf(entryOut('"size":1'), ',"result":{}'),
  'a path twice, the last one hostile': entryOf(entryOut('"size":1,"path":"../victim"')),
  'a prototype': entryOf(entryOut('"size":1'), ',"__proto__":{"polluted":true}'),
  'a prototype for an out': entryOf(`{"__proto__":${entryOut('"size":1')}}`),
  'endless brackets that end': entryOf(`${'['.repeat(200_000)}${']'.repeat(200_000)}`),
  'endless brackets around a long number': entryOf(
    `${'['.repeat(200_000)}12345678901234567${']'.repeat(200_000)}`,
  ),
  'endless params': SANE_ENTRY.replace(
    '"params":{}',
    `"params":{"p":{"k":${'['.repeat(200_000)}${']'.repeat(200_000)}}}`,
  ),
  'params that are deep': SANE_ENTRY.replace(
    '"params":{}',
    `"params":{"p":{"k":${'['.repeat(1000)}${']'.repeat(1000)}}}`,
  ),
  'a parameter that is infinite': SANE_ENTRY.replace('"params":{}', '"params":{"p":{"k":1e400}}'),
  'endless outs': entryOf(`${`${entryOut('"size":1')},`.repeat(100_000)}${entryOut('"size":1')}`),
  'a size that is no count': entryOf(entryOut('"size":0.5')),
  'a negative size': entryOf(entryOut('"size":-1')),
  'a size beyond all': entryOf(entryOut('"size":9007199254740993')),
  'a size that is infinite': entryOf(entryOut('"size":1e400')),
  'a folder without a count of files': entryOf(entryOut('"size":1', `${HASH}.dir`)),
  'a count of files that is no count': entryOf(entryOut('"size":1,"files":0.5', `${HASH}.dir`)),
  'a count of files beyond all': entryOf(entryOut('"size":1,"files":1e300', `${HASH}.dir`)),
  'a byte-order mark': `\uFEFF${SANE_ENTRY}`,
};
