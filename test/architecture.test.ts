import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { REPOSITORY } from './rig.ts';

const listed = (folder: string): readonly string[] =>
  readdirSync(join(REPOSITORY, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => `${folder}/${path}`)
    .filter((path) => path.endsWith('.ts'))
    .sort();

const SOURCES = listed('src');
const TESTS = listed('test');
const textOf = (path: string): string => readFileSync(join(REPOSITORY, path), 'utf8');

/** Without comments and the contents of strings, so that words in them are no code; line ends stay. */
function codeOf(path: string): string {
  const parts = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g;
  return textOf(path).replaceAll(parts, (part) => part.replaceAll(/[^\n'"]/g, ''));
}

/** The room of a file: its folder below src/, or its own name at the top. */
function roomOf(path: string): string {
  const [, room = ''] = path.split('/');
  return room;
}

/** Imports between our own files, `import()`, `export … from`, types and `new URL(…, import.meta.url)` too. */
function edgesOf(path: string): readonly string[] {
  const text = textOf(path).replaceAll(/^\s*(\/\/|\*|\/\*).*$/gm, '');
  const found = text.matchAll(
    /\b(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'|new URL\('(\.{1,2}\/[^']+\.ts)', import\.meta\.url\)/g,
  );
  return [...found].map((match) =>
    relative(REPOSITORY, join(REPOSITORY, dirname(path), match[1] ?? match[2] ?? '')),
  );
}

const MACHINE = ['base', 'io'];
const PROJECT = ['ground.ts', 'project.ts', 'execute', 'plan', 'read', 'record'];
/** What those see who use an open project. */
const USERS = [...MACHINE, ...PROJECT, 'transfer', 'exporters', 'listeners'];
/** Who may import whom; a room may always import itself. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  base: [],
  io: ['base'],
  read: [...MACHINE, 'schema'],
  store: MACHINE,
  record: MACHINE,
  remotes: MACHINE,
  listeners: MACHINE,
  plan: ['base'],
  exporters: ['base'],
  market: ['base/session.ts', 'calendars'],
  execute: [...MACHINE, 'plan', 'store', 'record'],
  transfer: [...MACHINE, 'store', 'record', 'remotes', 'execute'],
  'read-once.ts': [...MACHINE, 'read', 'record', 'store'],
  'ground.ts': [...MACHINE, 'store', 'execute'],
  'holds.ts': [...MACHINE, 'ground.ts'],
  'project.ts': [
    ...MACHINE,
    'ground.ts',
    'holds.ts',
    'read-once.ts',
    'read',
    'plan',
    'store',
    'record',
    'execute',
  ],
  commands: USERS,
  'cli.ts': ['commands', 'listeners', 'ground.ts', ...MACHINE],
  // The leaf: types and the functions that define stages; `openProject` is imported when it is called.
  'index.ts': ['base', 'project.ts'],
};

test('the table holds every room there is, and no other', () => {
  assert.deepEqual(Object.keys(MAY).sort(), [...new Set(SOURCES.map(roomOf))].sort());
  assert.ok(SOURCES.length > 100, `${SOURCES.length} files were read`);
});

test('rooms import only what lies below them', () => {
  const wrong: string[] = [];
  let edges = 0;
  for (const path of SOURCES) {
    const room = roomOf(path);
    for (const target of edgesOf(path)) {
      edges++;
      const other = target.startsWith('src/') ? roomOf(target) : (target.split('/')[0] ?? '');
      const allowed =
        other === room || [other, target.slice('src/'.length)].some((one) => MAY[room]?.includes(one));
      if (!allowed && target !== 'package.json') wrong.push(`${path} → ${target}`);
    }
  }
  assert.ok(edges > 300, `${edges} imports were read`);
  assert.deepEqual(wrong, []);
});

test('no import leads in a circle between files, types aside', () => {
  const done = new Set<string>();
  const circles: string[] = [];
  const values = (path: string): readonly string[] => {
    const text = textOf(path).replaceAll(/^(import|export) type [^;]*;/gm, '');
    const found = text.matchAll(
      /^(?:import|export) [^;]*?from '(\.{1,2}\/[^']+)'|^import '(\.{1,2}\/[^']+)'/gm,
    );
    return [...found].map((match) =>
      relative(REPOSITORY, join(REPOSITORY, dirname(path), match[1] ?? match[2] ?? '')),
    );
  };
  const visit = (path: string, above: readonly string[]): void => {
    if (above.includes(path)) circles.push([...above.slice(above.indexOf(path)), path].join(' → '));
    if (done.has(path) || above.includes(path)) return;
    for (const next of values(path)) if (SOURCES.includes(next)) visit(next, [...above, path]);
    done.add(path);
  };
  for (const path of SOURCES) visit(path, []);
  assert.deepEqual(circles, []);
});

/** Files with a match in their code, as `path:line`, but for those that may. */
function uses(
  pattern: RegExp,
  may: readonly string[],
  files: readonly string[] = SOURCES,
): readonly string[] {
  return files.flatMap((path) => {
    if (may.some((one) => path === one || (one.endsWith('/') && path.startsWith(one)))) return [];
    return codeOf(path)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}`] : []));
  });
}

/** Like `uses`, for what someone must do: a pattern that finds nothing anywhere proves nothing. */
function onlyIn(may: readonly string[], pattern: RegExp): void {
  assert.notDeepEqual(uses(pattern, []), []);
  assert.deepEqual(uses(pattern, may), []);
}

/** Programs of their own: what a process may do at its edge. */
const ENTRIES = [
  'src/cli.ts',
  'src/execute/child.ts',
  'src/io/launcher-process.ts',
  'src/market/exchange/command.ts',
];

test('nobody writes to the console past the listeners', () => {
  assert.deepEqual(uses(/\bconsole\s*\./, []), []);
});

test('only a program’s entry ends the process', () => {
  assert.deepEqual(
    uses(/\bprocess\s*\.\s*(exit|exitCode|abort|kill)\b(?!\s*\()|\bprocess\.(exit|abort)\(/, ENTRIES),
    [],
  );
});

test('only a program’s entry and the composition root read the environment', () => {
  onlyIn([...ENTRIES, 'src/project.ts'], /\bprocess\s*\.\s*env\b/);
});

test('only a program’s entry reads the command line', () => {
  onlyIn(ENTRIES, /\bprocess\s*\.\s*argv\b/);
});

test('the time of day is asked of io/clock alone', () => {
  const clock = /\bDate\s*\.\s*now\b|\bnew Date\(\s*\)|(?<!new )\bDate\(\s*\)|\bperformance\s*\.\s*now\b/;
  onlyIn(['src/io/clock.ts', ...ENTRIES], clock);
});

test('order never depends on a locale', () => {
  assert.deepEqual(uses(/\blocaleCompare\b|\btoLocale\w+\(/, []), []);
});

test('imports end in .ts and name no barrel of a folder', () => {
  const wrong = SOURCES.flatMap((path) =>
    edgesOf(path)
      .filter((target) => !/\.(ts|json)$/.test(target))
      .map((target) => `${path} → ${target}`),
  );
  assert.deepEqual(wrong, []);
});

test('no test is left out or runs alone', () => {
  assert.deepEqual(
    uses(
      // A test may skip itself where a machine lacks something, and says then what.
      /\b(test|it|describe)\s*\.\s*(only|skip|todo)\b|\b(only|skip):\s*true\b|\btodo:|\bt\.(todo\b|skip\((?!['`]))/,
      ['test/architecture.test.ts'],
      TESTS,
    ),
    [],
  );
});

test('no file is longer than 400 lines', () => {
  const long = [...SOURCES, ...listed('stages')].filter((path) => textOf(path).split('\n').length > 401);
  assert.deepEqual(long, []);
});

test('files are named in kebab-case', () => {
  assert.deepEqual(
    SOURCES.filter((path) => !/^src\/([a-z0-9-]+\/)*[a-z0-9-]+(\.d)?\.ts$/.test(path)),
    [],
  );
});
