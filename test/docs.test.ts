import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import test from 'node:test';
import { featureCatalogue } from '../src/market/features/catalogue.ts';
import { buildGraph } from '../src/plan/graph.ts';
import { readPipeline } from '../src/read/pipeline.ts';
import { createLockFormatter, parseLock } from '../src/record/lockfile.ts';
import { formatRunEntry, parseRunEntry } from '../src/record/runs.ts';
import { formatManifest, parseManifest } from '../src/store/tree.ts';
import { CLI, REPOSITORY, cleanEnv } from './rig.ts';

function read(path: string): string {
  return readFileSync(join(REPOSITORY, path), 'utf8');
}

const PAGES: readonly string[] = [
  ...globSync('*.md', { cwd: REPOSITORY }),
  ...globSync('docs/**/*.md', { cwd: REPOSITORY }),
].sort();

function fencesOf(page: string, language: string): readonly string[] {
  return [...read(page).matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .filter(([, name]) => name === language)
    .map(([, , text]) => text ?? '');
}

/** The cells of every row of every table, without the rows of heads. */
function rowsOf(text: string): readonly (readonly string[])[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
    .map((cells) => cells.slice(1, -1));
}

function anchorsOf(text: string): ReadonlySet<string> {
  return new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      (heading ?? '')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

test('every link between the documents and to files leads somewhere', () => {
  const broken: string[] = [];
  for (const page of PAGES) {
    const text = read(page).replaceAll(/^```[\s\S]*?^```$/gm, '');
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const full = path === '' ? join(REPOSITORY, page) : join(REPOSITORY, dirname(page), path);
      const inside = !relative(REPOSITORY, full).startsWith('..');
      const found = inside && existsSync(full);
      if (!found || (anchor !== undefined && !anchorsOf(readFileSync(full, 'utf8')).has(anchor)))
        broken.push(`${page}: ${target}`);
    }
  }
  assert.deepEqual(broken, []);
});

function run(script: string, ...args: readonly string[]): string {
  return execFileSync(process.execPath, [join(dirname(CLI), script), ...args], {
    encoding: 'utf8',
    env: cleanEnv(),
  });
}

function flagsIn(text: string): readonly string[] {
  return [...text.matchAll(/(?<![\w-])--?[a-z][a-z-]*(?![\w-])/gi)].map(([flag]) => flag);
}

test('every flag that the documents mention is one that --help shows', () => {
  const commands = [...run('lockstep.cjs', '--help').matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(
    ([, name]) => name ?? '',
  );
  const helps = new Map(
    commands.map((name) => [name, new Set(flagsIn(run('lockstep.cjs', name, '--help')))]),
  );
  helps.set('lockstep-exchange', new Set(flagsIn(run('lockstep-exchange.cjs', '--help'))));
  const all = new Set([...helps.values()].flatMap((flags) => [...flags]));
  const unknown: string[] = [];
  let seen = 0;
  for (const page of [
    'README.md',
    'CHANGELOG.md',
    ...PAGES.filter((one) => /^docs\/[a-z]+\.md$/.test(one)),
  ]) {
    const text = read(page);
    const spans = [...text.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/`([^`\n]+)`/g)].map(
      ([, span]) => span ?? '',
    );
    const lines = [...fencesOf(page, 'sh'), ...fencesOf(page, '')].flatMap((fence) => fence.split('\n'));
    for (const line of [...spans, ...lines]) {
      if (/^(git|npm|sed|node|ls|mkdir|python|ulimit)\b/.test(line)) continue;
      const tool = /\blockstep-exchange\b/.test(line)
        ? 'lockstep-exchange'
        : /\blockstep(?: -C \S+)? ([a-z]+)/.exec(line)?.[1];
      const known = tool === undefined ? all : helps.get(tool);
      if (known === undefined) unknown.push(`${page}: ${line}: no command ${tool}`);
      if (tool === undefined && !line.startsWith('-') && !line.startsWith('status')) continue;
      for (const flag of flagsIn(line)) {
        seen += 1;
        if (known && !known.has(flag)) unknown.push(`${page}: ${line}: ${flag}`);
      }
    }
  }
  assert.deepEqual(unknown, []);
  assert.ok(seen > 15, `only ${seen} flags were looked at`);
});

test('every example of pipeline.yaml is one that is read without a problem', () => {
  const params = 'region: india\nas_of: now\ntrain: { rate: 0.1 }\nmarkets: [india, japan]\n';
  const files: Readonly<Record<string, string>> = {
    'params.yaml': params.replace('region: india\n', ''),
    'settings.yaml': 'seed: 1\n',
    'limits.json': '{"rows":10}',
  };
  const examples = fencesOf('docs/stages.md', 'yaml');
  assert.ok(examples.length >= 10);
  for (const example of examples) {
    const { pipeline, problems } = readPipeline({
      load: (path) => {
        const text = path === 'pipeline.yaml' ? example : files[path];
        return text === undefined ? undefined : Buffer.from(text);
      },
    });
    assert.deepEqual(problems, [], example);
    assert.ok(pipeline);
    assert.deepEqual(buildGraph(pipeline).problems, [], example);
  }
});

test('every key that pipeline.yaml may have, and every part of a stage context, is described', () => {
  const schema = JSON.parse(read('schema/pipeline.schema.json')) as {
    properties: object;
    $defs: Record<string, { properties?: object }>;
  };
  const keys = [
    ...Object.keys(schema.properties),
    ...['stage', 'outFlags'].flatMap((name) => Object.keys(schema.$defs[name]?.properties ?? {})),
  ];
  const context = /interface StageContext<.*> \{([\s\S]*?)\n\}/.exec(read('src/index.ts'))?.[1] ?? '';
  const members = [...context.matchAll(/^ {2}readonly (\w+):/gm)].map(([, name]) => name ?? '');
  assert.ok(keys.length > 30 && members.length > 6);
  const rows = rowsOf(read('docs/stages.md')).map(([first]) => first ?? '');
  const missing = [...keys, ...members].filter((key) => !rows.some((row) => row.includes(`\`${key}`)));
  assert.deepEqual(missing, []);
});

/** Texts of the sources that have the form of a code, comments left out. */
function codesInSource(): ReadonlySet<string> {
  const found = new Set<string>();
  const files = [...globSync('src/**/*.ts', { cwd: REPOSITORY }), 'bin/lockstep.cjs'];
  for (const file of files) {
    const text = read(file).replaceAll(/^\s*(?:\/\*\*?|\*|\/\/).*$/gm, '');
    for (const [, code = ''] of text.matchAll(/'([a-z]+\.[a-z][a-z0-9-]*)'/g)) {
      if (!/\.(?:[cm]?[jt]s|json|ya?ml|csv|npy|lock|html|md|arrow|ndjson|txt|log)$/.test(code))
        found.add(code);
    }
    for (const [, code = ''] of text.matchAll(/error\[([a-z]+\.[a-z-]+)\]/g)) found.add(code);
  }
  // Codes that are put together from two halves.
  const second = [...read('src/read/validate.ts').matchAll(/add\(`\$\{area\}\.([a-z-]+)`/g)];
  for (const [, half] of second) for (const area of ['pipeline', 'remotes']) found.add(`${area}.${half}`);
  const kinds = /type FaultKind =([\s\S]*?);/.exec(read('src/remotes/faults.ts'))?.[1] ?? '';
  for (const [, kind] of kinds.matchAll(/'([a-z-]+)'/g)) found.add(`remote.${kind}`);
  return found;
}

test('the page of errors lists exactly the codes of the program', () => {
  const page = read('docs/errors.md');
  const listed = rowsOf(page).flatMap(([first = '', ...rest]) => {
    const code = /^`([a-z]+\.[a-z0-9-]+)`$/.exec(first)?.[1];
    if (code !== undefined) assert.ok(rest.length >= 2 && rest.every((cell) => cell !== ''), first);
    return code === undefined ? [] : [code];
  });
  assert.equal(new Set(listed).size, listed.length, 'a code stands twice');
  const findings = page.slice(page.indexOf('Findings, which'));
  const named = [...findings.matchAll(/`((?:bar|series|calendar)\.[a-z-]+)`/g)].map(([, code]) => code ?? '');
  const told = new Set([...listed, ...named]);
  const codes = codesInSource();
  assert.ok(codes.size > 150);
  assert.deepEqual([...codes.difference(told)].sort(), [], 'not on the page');
  assert.deepEqual([...told.difference(codes)].sort(), [], 'no longer in the program');
});

test('every line that a command says in JSON is described beside the events', () => {
  const types = globSync('src/commands/*.ts', { cwd: REPOSITORY }).flatMap((file) =>
    [...read(file).matchAll(/(?:printJson|say)\(\s*context,\s*\{ type: '([a-z-]+)'/g)].map(
      ([, type]) => type ?? '',
    ),
  );
  assert.ok(types.length > 10);
  const page = read('docs/events.md');
  assert.deepEqual(
    types.filter((type) => !page.includes(`\`${type}\``)),
    [],
  );
});

test('the formats are shown as they are written', async () => {
  const [lock = ''] = fencesOf('docs/lockfile.md', 'yaml');
  assert.equal(createLockFormatter().format(await parseLock(lock)), lock);

  const [manifest = '', entry = '', fingerprint = ''] = fencesOf('docs/lockfile.md', 'json').map((text) =>
    text.trimEnd(),
  );
  assert.equal(String(formatManifest(parseManifest(Buffer.from(manifest), 'sha256'), 'sha256')), manifest);
  // The hashes of "one\n" and "two\n", and the folder's in the lock above.
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  for (const text of ['one\n', 'two\n']) assert.ok(manifest.includes(sha256(text)));
  assert.ok(lock.includes(`hash: sha256:${sha256(manifest)}.dir`));

  const result = parseRunEntry(Buffer.from(`${entry}\n`));
  assert.ok(result);
  assert.equal(formatRunEntry(result), `${entry}\n`);
  const name = sha256(fingerprint);
  assert.ok(read('docs/lockfile.md').includes(`\`runs/${name.slice(0, 2)}/${name.slice(2)}\``));
});

test('the table of features agrees with the catalogue', () => {
  const catalogue = featureCatalogue(20).map(({ name, group, first, scale }) => [
    name,
    group,
    String(first),
    scale,
  ]);
  const names = new Set(catalogue.map(([name]) => name));
  const shown = rowsOf(read('docs/market.md')).filter(([name]) => names.has(name));
  assert.equal(catalogue.length, 52);
  assert.deepEqual(
    shown.map((cells) => cells.slice(0, 4)),
    catalogue,
  );
});

test('the rules of cleaning, the keys of the reports and the faults of the exchange are all described', () => {
  const page = read('docs/market.md');
  const rows = rowsOf(page).map(([first]) => first ?? '');
  const rules = globSync('src/market/checks/*.ts', { cwd: REPOSITORY }).flatMap((file) =>
    [...read(file).matchAll(/rule: '((?:bar|series|calendar)\.[a-z-]+)'/g)].map(([, rule]) => rule ?? ''),
  );
  assert.ok(rules.length > 12);
  const report = JSON.parse(read('reports/data_quality_report.json')) as object;
  const described = (name: string): boolean => rows.some((row) => row.includes(`\`${name}\``));
  assert.deepEqual(
    [...rules, ...Object.keys(report)].filter((name) => !described(name)),
    [],
  );
  const faults = /KIND is one of ([a-z0-9 ]+)/.exec(run('lockstep-exchange.cjs', '--help'))?.[1];
  assert.ok(faults !== undefined && page.includes(`KIND one of ${faults}`));
});
