import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { importedPackages, packPackage } from '../scripts/pack-package.ts';
import type { Manifest } from '../scripts/manifest.ts';
import { REPOSITORY, cleanEnv } from './rig.ts';

const work = realpathSync(mkdtempSync(join(tmpdir(), 'lockstep-package-')));
const project = join(work, 'project');
const modules = join(project, 'node_modules');
const installed = join(modules, 'lockstep-data');
let archive: string;
let manifest: Manifest;

after(() => rmSync(work, { recursive: true, force: true }));

/**
 * Installs the archive as npm would, without npm, for most tests: npm takes many seconds, and what it needs may not be
 * in its cache. Only what the published package.json names is linked, so a forgotten dependency is missing here as well.
 */
before(async () => {
  archive = await packPackage(REPOSITORY, work);
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', archive, '-C', installed, '--strip-components=1']);
  manifest = readJson(join(installed, 'package.json')) as Manifest;
  for (const name of [...Object.keys(manifest.dependencies), '@types/node'])
    link(join(REPOSITORY, 'node_modules', name), join(modules, name));
  for (const [name, file] of Object.entries(manifest.bin))
    link(join(installed, file), join(modules, '.bin', name));
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }\n');
});

test('the archive holds what a user needs, and nothing of the repository', () => {
  const optional = ['CHANGELOG.md', 'README.md'].filter((name) => existsSync(join(REPOSITORY, name)));
  assert.deepEqual(
    readdirSync(installed).sort(),
    [...optional, 'LICENSE', 'bin', 'calendars', 'dist', 'package.json', 'schema'].sort(),
  );
  assert.deepEqual(
    Object.keys(manifest).filter((key) => /private|scripts|devDependencies|optionalDependencies/.test(key)),
    [],
  );
  assert.doesNotMatch(JSON.stringify(manifest.exports), /src|lockstep-source/);
});

test('every package that a published file imports is a dependency, and no other is', async () => {
  assert.deepEqual(
    [...(await importedPackages(installed))].sort(),
    Object.keys(manifest.dependencies).sort(),
  );
});

test('npm installs the archive into an empty folder, and its command runs a project there', async (t) => {
  const cwd = join(work, 'empty');
  mkdirSync(cwd);
  const texts = { 'package.json': { private: true, type: 'module' }, 'package-lock.json': lockOfCached() };
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(cwd, name), JSON.stringify(text));
  const cache = execFileSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8' }).trim();
  const npm = await run('npm', ['install', '--offline', '--ignore-scripts', '--cache', cache, archive], {
    cwd,
  });
  if (npm.stderr.includes('ENOTCACHED'))
    return t.skip('npm keeps no copy of some dependency: "npm ci" from the network brings them');
  assert.equal(npm.code, 0, npm.stderr);
  const { dependencies } = readJson(join(cwd, 'package.json')) as Manifest;
  assert.deepEqual(Object.keys(dependencies), ['lockstep-data']);
  for (const words of [['init'], ['repro']]) {
    const ran = await run('npx', ['--offline', 'lockstep', ...words], { cwd });
    assert.equal(ran.code, 0, ran.stderr);
  }
  assert.deepEqual(readJson(join(cwd, 'counts.json')), { words: 4, distinct: 3 });
});

test('the licences of the bundled packages are in the archive', () => {
  const text = readFileSync(join(installed, 'dist', 'THIRD-PARTY-LICENSES.txt'), 'utf8');
  for (const name of ['yaml', 'execa', 'acorn', 'croner', 'get-stream']) {
    assert.match(text, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+\\n\\n.*\\b(Copyright|ISC|MIT)`, 'ms'));
  }
});

test('an installed command starts a project, runs it, and finds it fresh', async () => {
  const init = await npx(['lockstep', 'init']);
  assert.equal(init.code, 0, init.stderr);
  const repro = await npx(['lockstep', 'repro']);
  assert.equal(repro.code, 0, repro.stderr);
  assert.deepEqual(readJson(join(project, 'counts.json')), { words: 4, distinct: 3 });
  const status = await npx(['lockstep', 'status']);
  assert.equal(status.code, 0, status.stderr);
  assert.equal(status.stdout, 'Everything is fresh: 2 stages, nothing to do.\n');
  assert.equal((await npx(['lockstep', '--version'])).stdout, `${manifest.version}\n`);
});

test('an installed command with nothing to do is one file, and loads nothing of Node’s that it does not use', async () => {
  const dir = 'idle';
  write(
    `${dir}/pipeline.yaml`,
    'stages:\n  a: { cmd: cp in.txt out.txt, deps: [in.txt], outs: [out.txt] }\n',
  );
  write(`${dir}/in.txt`, 'in\n');
  const watch = join(work, 'watch.cjs');
  const told = join(work, 'told.json');
  writeFileSync(
    watch,
    `const files = [];
require('node:module').registerHooks({ load: (url, context, next) => (files.push(url), next(url, context)) });
process.on('exit', () =>
  require('node:fs').writeFileSync(${JSON.stringify(told)}, JSON.stringify({ files, modules: process.moduleLoadList })),
);
`,
  );
  const load = async (
    ...words: readonly string[]
  ): Promise<{ own: readonly string[]; slow: readonly string[] }> => {
    const cli = realpathSync(join(modules, '.bin', 'lockstep'));
    const ran = await run(process.execPath, ['--require', watch, cli, '-C', dir, ...words]);
    assert.equal(ran.code, 0, ran.stderr);
    const { files, modules: loaded } = readJson(told) as Record<'files' | 'modules', readonly string[]>;
    const prefix = `file://${realpathSync(installed)}/`;
    return {
      own: files.filter((url) => url.startsWith(prefix)).map((url) => url.slice(prefix.length)),
      slow: loaded.filter((name) =>
        /^NativeModule (crypto|worker_threads|readline|child_process|sqlite|internal\/fs\/promises|internal\/crypto\/.*)$/.test(
          name,
        ),
      ),
    };
  };
  const first = await load('repro');
  assert.ok(first.own.includes('dist/part-run-stages.js'), first.own.join());
  assert.ok(first.slow.includes('NativeModule crypto'));
  // These hash the lock that the first one wrote; the second, if it was too young for the first to believe its times.
  await load('status');
  await load('status');
  for (const words of [['repro'], ['status']]) {
    const { own, slow } = await load(...words);
    assert.deepEqual(own, ['bin/lockstep.cjs', 'dist/cli.js'], words.join());
    assert.deepEqual(slow, [], words.join());
  }
});

test('what an installed command loads on demand is there: remotes, schedules, patterns', async () => {
  const dir = 'demand';
  write(
    `${dir}/pipeline.yaml`,
    `stages:
  a:
    cmd: mkdir -p out && echo 1 > out/one.txt && echo 2 > out/two.txt
    refresh: { cron: "0 6 * * 1-5", tz: Asia/Kolkata, as_of: 2026-03-17 }
    outs: [out/]
`,
  );
  for (const words of [
    ['repro'],
    ['remote', 'add', 'shelf', './shelf'],
    ['remote', 'check', 'shelf'],
    ['push'],
  ]) {
    const ran = await lockstep(['-C', dir, ...words]);
    assert.equal(ran.code, 0, `${words.join(' ')}\n${ran.stderr}`);
  }
  for (const path of ['.lockstep', 'out']) rmSync(join(project, dir, path), { recursive: true });
  const pulled = await lockstep(['-C', dir, 'pull', 'out/o*.txt']);
  assert.equal(pulled.code, 0, pulled.stderr);
  assert.deepEqual(readdirSync(join(project, dir, 'out')), ['one.txt']);
  for (const words of [['pull'], ['status'], ['verify'], ['dag'], ['log'], ['doctor'], ['gc']]) {
    const ran = await lockstep(['-C', dir, ...words]);
    assert.ok(
      ran.code === 0 || (words[0] === 'doctor' && ran.code === 1),
      `${words.join(' ')}\n${ran.stderr}`,
    );
  }
});

test('doctor names files of the package that are not as they were packed', async () => {
  write('doctor/pipeline.yaml', 'stages:\n  a: { cmd: "true > a", outs: [a] }\n');
  const look = async (): Promise<{ status: string; message: string; cure?: string }> => {
    const { stdout } = await lockstep(['-C', 'doctor', 'doctor', '--json']);
    const checks = stdout.split('\n').filter((line) => line.includes('"check":"package"'));
    assert.equal(checks.length, 1, stdout);
    return JSON.parse(checks[0] ?? '') as { status: string; message: string; cure?: string };
  };
  assert.equal((await look()).status, 'ok');
  const root = realpathSync(installed);
  for (const file of ['dist/part-gc.js', 'calendars/sessions-XBOM.json', 'dist/contents.json']) {
    const path = join(root, file);
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, -2));
    const cut = await look();
    rmSync(path);
    const gone = await look();
    writeFileSync(path, bytes);
    for (const { status, message, cure } of [cut, gone]) {
      assert.equal(status, 'fail', file);
      assert.equal(message, `lockstep-data ${manifest.version}, built (${root}); damaged: ${file}`);
      assert.equal(cure, `remove ${root}, then run "npm install" in the project`);
    }
  }
  assert.equal((await look()).status, 'ok');
});

test('stages of an installed project import the stage API and the market library', async () => {
  const dir = 'market';
  write(`${dir}/pipeline.yaml`, 'name: m\nstages:\n  a: { run: a.ts, outs: { npy: a.npy, day: day.txt } }\n');
  write(
    `${dir}/a.ts`,
    `import { writeFileSync } from 'node:fs';
import { defineStage } from 'lockstep-data';
import { calendarFor } from 'lockstep-data/market/calendar';
import { formatNpy } from 'lockstep-data/market/npy';

export default defineStage(({ outs }) => {
  writeFileSync(outs.npy!, formatNpy([1, 2, 3, 255], [2, 2], '|u1'));
  writeFileSync(outs.day!, calendarFor('XNSE').zone);
});
`,
  );
  const repro = await lockstep(['-C', dir, 'repro']);
  assert.equal(repro.code, 0, repro.stderr);
  const bytes = readFileSync(join(project, dir, 'a.npy'));
  assert.equal(bytes.subarray(1, 6).toString('latin1'), 'NUMPY');
  assert.deepEqual([...bytes.subarray(-4)], [1, 2, 3, 255]);
  assert.equal(readFileSync(join(project, dir, 'day.txt'), 'utf8'), 'Asia/Kolkata');

  const lock = readFileSync(join(project, dir, 'pipeline.lock'), 'utf8');
  const code = [...lock.matchAll(/^ {6}(\S+): ast1:/gm)].map(([, path]) => path);
  assert.deepEqual(code, [
    'a.ts',
    ...['base/session.js', 'market/calendar.js', 'market/npy.js'].map((file) => `lockstep-data/dist/${file}`),
  ]);
  const again = await lockstep(['-C', dir, 'status']);
  assert.equal(again.stdout, 'Everything is fresh: 1 stage, nothing to do.\n');
});

test('a stage that refreshes with an exchange finds its calendar in the package', async () => {
  write(
    'session/pipeline.yaml',
    'name: s\nstages:\n  a: { cmd: "true > a", refresh: { session: XBOM, as_of: now }, outs: [a] }\n',
  );
  const repro = await lockstep(['-C', 'session', 'repro'], { LOCKSTEP_NOW: '2026-03-17T18:00:00Z' });
  assert.equal(repro.code, 0, repro.stderr);
  // The exchange closes at 15:30 in India, and the session counts half an hour later.
  assert.match(
    readFileSync(join(project, 'session', 'pipeline.lock'), 'utf8'),
    /tick: "?2026-03-17T10:30:00/,
  );
});

test('much data is hashed by the workers of the package', async () => {
  const size = 65 * 1024 * 1024;
  write('large/pipeline.yaml', 'name: l\nstages:\n  a: { cmd: "true > a", deps: [x, y], outs: [a] }\n');
  for (const name of ['x', 'y']) {
    write(`large/${name}`, '');
    truncateSync(join(project, 'large', name), size);
  }
  const repro = await lockstep(['-C', 'large', 'repro']);
  assert.equal(repro.code, 0, repro.stderr);
  const hash = createHash('sha256').update(Buffer.alloc(size)).digest('hex');
  const lock = readFileSync(join(project, 'large', 'pipeline.lock'), 'utf8');
  assert.equal(lock.split(`hash: sha256:${hash}`).length - 1, 2);
});

test('declarations of the stage API and the market library hold under a strict compiler', () => {
  write(
    'types/stage.ts',
    `import { defineStage } from 'lockstep-data';
import type { StageFunction } from 'lockstep-data';
import { calendarFor } from 'lockstep-data/market/calendar';
import { formatNpy } from 'lockstep-data/market/npy';

const zone: string = calendarFor('XBOM').zone;
// @ts-expect-error a file has a type that we write
formatNpy([1], [1], '<i8');
// @ts-expect-error a zone is text
export const wrong: number = calendarFor('XBOM').zone;
const stage: StageFunction = defineStage(({ outs, log }) => log((outs['x'] ?? '') + zone));
export default stage;
`,
  );
  assert.equal(compile('types'), '');
});

test('the first pipeline of init compiles under the strictest options', async () => {
  mkdirSync(join(project, 'first'));
  const made = await lockstep(['-C', 'first', 'init']);
  assert.equal(made.code, 0, made.stderr);
  assert.equal(compile('first'), '');
});

test('a stage says what its parameters look like, and is held to it', () => {
  write(
    'params/stage.ts',
    `import { defineStage } from 'lockstep-data';
import type { StageFunction } from 'lockstep-data';

interface Params { readonly fetch: { readonly years: number } }

export const typed: StageFunction<Params> = ({ params }) => void params.fetch.years.toFixed();
export const inferred: StageFunction<Params> = defineStage(({ params }) => void params.fetch.years.toFixed());
export default defineStage<Params>(({ params }) => {
  // @ts-expect-error there is no such parameter
  void params.fetch.months;
});
export const plain: StageFunction = ({ params }) => {
  // @ts-expect-error what is not described may be anything
  void params['fetch'].years;
};
`,
  );
  assert.equal(compile('params'), '');
});

/** What the compiler says of a folder of the project. */
function compile(dir: string): string {
  const compilerOptions = {
    strict: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    exactOptionalPropertyTypes: true,
    verbatimModuleSyntax: true,
    erasableSyntaxOnly: true,
    noEmit: true,
    module: 'nodenext',
    target: 'es2024',
    types: ['node'],
  };
  write(`${dir}/package.json`, '{ "type": "module" }');
  write(`${dir}/tsconfig.json`, JSON.stringify({ compilerOptions }));
  const tsc = join(REPOSITORY, 'node_modules', 'typescript', 'bin', 'tsc');
  const ran = spawnSync(process.execPath, [tsc, '-p', join(project, dir)], { encoding: 'utf8' });
  return `${ran.stdout}${ran.stderr}`;
}

test('the simulated exchange of the package tells how it is used', async () => {
  const help = await npx(['lockstep-exchange', '--help']);
  assert.equal(help.code, 0, help.stderr);
  assert.match(help.stdout, /^lockstep-exchange: .*\n\nUsage: lockstep-exchange \[options\]\n/);
});

test('a Node that is too old, or 25, is told which one is needed, by both commands', async () => {
  const pretend = join(work, 'pretend.cjs');
  for (const version of ['20.20.2', '24.19.0', '24.20.0', '25.9.0', '26.0.0']) {
    const isServed = version === '24.20.0' || version === '26.0.0';
    const versions = `{ ...process.versions, node: '${version}' }`;
    writeFileSync(pretend, `Object.defineProperty(process, 'versions', { value: ${versions} });\n`);
    for (const name of ['lockstep', 'lockstep-exchange']) {
      const bin = join(installed, manifest.bin[name] ?? '');
      const told = await run(process.execPath, ['--require', pretend, bin, '--help']);
      assert.equal(told.code, isServed ? 0 : 2, `${version}: ${told.stderr}`);
      if (isServed) continue;
      assert.match(
        told.stderr,
        new RegExp(`Node 24\\.20 or newer.*, but not 25, this is ${RegExp.escape(version)}`),
      );
      assert.match(told.stderr, /hint: .*npm ci/);
    }
  }
});

/** A lock of what npm ci has installed, so that npm needs no registry: what it keeps is found by its hash. */
function lockOfCached(): object {
  const { packages } = readJson(join(REPOSITORY, 'package-lock.json')) as {
    packages: Readonly<Record<string, { readonly dev?: boolean }>>;
  };
  const kept = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true);
  const resolved = 'https://registry.invalid/one.tgz';
  return {
    lockfileVersion: 3,
    packages: Object.fromEntries(kept.map(([path, locked]) => [path, { ...locked, resolved }])),
  };
}

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function npx(args: readonly string[]): Promise<Ran> {
  return run('npx', ['--offline', ...args]);
}

function lockstep(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return run(process.execPath, [join(modules, '.bin', 'lockstep'), ...args], { env });
}

function run(
  command: string,
  args: readonly string[],
  { env = {}, cwd = project }: { env?: Readonly<Record<string, string>>; cwd?: string } = {},
): Promise<Ran> {
  const path = [dirname(process.execPath), process.env['PATH']].join(delimiter);
  const options = {
    cwd,
    env: cleanEnv({
      PATH: path,
      npm_config_userconfig: '/dev/null',
      npm_config_update_notifier: 'false',
      ...env,
    }),
  };
  return new Promise((resolve, reject) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      if (typeof code === 'number') resolve({ code, stdout, stderr });
      else reject(error ?? new Error(`${command} did not end by itself`));
    });
  });
}

function write(file: string, text: string): void {
  mkdirSync(dirname(join(project, file)), { recursive: true });
  writeFileSync(join(project, file), text);
}

function link(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}
