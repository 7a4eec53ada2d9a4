import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import test from 'node:test';
import { isSettled } from '../src/execute/settle.ts';
import { selectStages } from '../src/plan/select.ts';
import { engineOf } from '../src/ground.ts';
import { openProject, openUnlessSettled } from '../src/project.ts';
import type { ProjectOptions } from '../src/project.ts';
import { readSettled, writeSettled } from '../src/record/settled.ts';
import { SOURCE_CLI, cleanEnv, createRig, rigAt } from './rig.ts';
import type { Ran, Rig } from './rig.ts';

const NOW = '2026-03-17T18:00:00Z';
const ENV = { MODE: 'fast', LOCKSTEP_NOW: NOW };
const ALL = { targets: [], folder: '', downstream: false, single: false, force: false };

/** One of each kind of thing that a stage depends on, makes, or is declared by. */
const FILES: Readonly<Record<string, string>> = {
  'pipeline.yaml': `data: [raw]
stages:
  copy:
    cmd: mkdir -p many/deep; cat raw/a plain > many/deep/file; true > many/run; chmod +x many/run; true > tool; chmod +x tool
    deps: [raw, plain]
    env: [MODE]
    outs: [many, tool]
  module:
    run: stages/module.ts
    params: [size]
    deps: { from: many/deep/file }
    outs: { out: out.json }
  folder: { cmd: ls beside > listed, deps: [beside], outs: [listed] }
  daily:
    cmd: "true > day"
    refresh: { every: 1d, as_of: now }
    outs: [day]
  kept: { cmd: "true > metric.json", outs: [{ metric.json: { cache: false } }] }
`,
  'params.yaml': 'size: 3\nother: 4\n',
  'raw/a': 'a',
  'raw/b': 'b',
  plain: 'plain',
  'beside/x': 'x',
  'stages/module.ts': `import { writeFileSync } from 'node:fs';
import { helper } from './helper.ts';
import table from './table.json' with { type: 'json' };
import { packed } from 'packed';
export default ({ outs, params }) => writeFileSync(outs.out, JSON.stringify([helper, packed, table, params.size]));
`,
  'stages/helper.ts': 'export const helper = 1;\n',
  'stages/table.json': '[1]\n',
  'node_modules/packed/package.json':
    '{"name":"packed","version":"1.0.0","type":"module","exports":"./index.js"}',
  'node_modules/packed/index.js': 'export const packed = 1;\n',
};

function optionsOf(rig: Rig, env: Readonly<Record<string, string>>): ProjectOptions {
  return {
    dir: rig.root,
    env: cleanEnv(env),
    command: 'test',
    emit: () => {},
    signal: new AbortController().signal,
    waitMs: 0,
  };
}

/** Whether the answer is given without judging; where it is not, the project is judged, and settles where it can. */
async function isAnswered(rig: Rig, env: Readonly<Record<string, string>> = ENV): Promise<boolean> {
  const opened = await openUnlessSettled(optionsOf(rig, env));
  if ('answer' in opened) return true;
  const plan = await opened.plan(selectStages(opened.graph, ALL));
  if (isSettled(opened, plan)) opened.noteSettled();
  await opened.close();
  return false;
}

/** Whether there is nothing to do, by judging every stage. */
async function isFresh(rig: Rig, env: Readonly<Record<string, string>> = ENV): Promise<boolean> {
  let project;
  try {
    project = await openProject(optionsOf(rig, env));
  } catch {
    return false;
  }
  const plan = await project.plan(selectStages(project.graph, ALL));
  const fresh = isSettled(project, plan);
  await project.close();
  return fresh;
}

function filesBelow(rig: Rig, folder = ''): readonly string[] {
  return readdirSync(rig.path(folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.name === '.lockstep' || entry.isSymbolicLink()) return [];
    return entry.isDirectory() ? filesBelow(rig, path) : [path];
  });
}

async function settledRig(): Promise<Rig> {
  const rig = rigAt(createRig(FILES).root, {}, SOURCE_CLI);
  const first = await rig.lockstep(['repro'], { env: ENV });
  assert.equal(first.code, 0, first.stderr);
  assert.equal(await isAnswered(rig), false);
  assert.equal(await isAnswered(rig), true);
  return rig;
}

/** What may happen to a file. */
const CHANGES: Readonly<Record<string, (path: string, bytes: Buffer) => void>> = {
  'is longer': (path, bytes) => replace(path, Buffer.concat([bytes, Buffer.from('\n# more\n')])),
  'has another byte': (path, bytes) =>
    replace(path, Buffer.from(bytes.map((byte, at) => (at === 0 ? byte ^ 1 : byte)))),
  'is gone': (path) => rmSync(path),
  'is a link to its bytes': (path) => {
    renameSync(path, `${path}.away`);
    symlinkSync(`${path}.away`, path);
  },
  'is a folder': (path) => {
    rmSync(path);
    mkdirSync(path);
  },
  'has another mode': (path) => chmodSync(path, statSync(path).mode ^ 0o111),
  'was touched': (path) => utimesSync(path, new Date(), new Date(1e12)),
  'has a neighbour': (path) => writeFileSync(`${path}.new`, 'new'),
};

/** Not written into: what a stage made shares its bytes with the cache. */
function replace(path: string, bytes: Buffer, mode = 0o644): void {
  for (const one of [path, `${path}.away`, `${path}.new`]) rmSync(one, { recursive: true, force: true });
  writeFileSync(path, bytes);
  chmodSync(path, mode);
}

test('nothing is answered without judging that judging would not say, whatever happens to whichever file', async () => {
  const rig = await settledRig();
  const wrong: string[] = [];
  const answered = new Map<string, number>();
  for (const file of filesBelow(rig)) {
    const path = rig.path(file);
    const [bytes, { mode }] = [readFileSync(path), statSync(path)];
    for (const [what, change] of Object.entries(CHANGES)) {
      change(path, bytes);
      const isKnown = await isAnswered(rig).catch(() => false);
      if (isKnown && !(await isFresh(rig))) wrong.push(`${file} ${what}`);
      if (isKnown) answered.set(what, (answered.get(what) ?? 0) + 1);
      replace(path, bytes, mode);
      // Whatever was judged meanwhile, all is as it was.
      if (!(await isAnswered(rig))) assert.ok(await isAnswered(rig), `after ${file} ${what}`);
    }
  }
  assert.deepEqual(wrong, []);
  // That a file was touched changes nothing.
  assert.equal(answered.get('was touched'), filesBelow(rig).length);
});

test('a variable, a day, a lock or an unfinished attempt that is another one is judged', async () => {
  const rig = await settledRig();
  assert.equal(await isAnswered(rig, { ...ENV, OTHER: 'x' }), true);
  assert.equal(await isAnswered(rig, { ...ENV, MODE: 'slow' }), false);
  assert.equal(await isAnswered(rig, { LOCKSTEP_NOW: NOW }), false);
  assert.equal(await isAnswered(rig, { ...ENV, LOCKSTEP_NOW: '2026-03-17T23:59:59Z' }), true);
  assert.equal(await isAnswered(rig, { ...ENV, LOCKSTEP_NOW: '2026-03-18T00:00:00Z' }), false);
  // A clock that went back: a warning is due each time.
  assert.equal(await isAnswered(rig, { ...ENV, LOCKSTEP_NOW: '2026-03-16T12:00:00Z' }), false);
  assert.equal(await isAnswered(rig), true);
  rig.write('.lockstep/attempts/999999999-0.1.ndjson', '{"stage":"copy"}\n');
  assert.equal(await isAnswered(rig), false);
});

test('the answer is given for the whole project as it is asked for mostly, and for nothing else', async () => {
  const rig = await settledRig();
  const path = rig.path('.lockstep/settled');
  const kept = readSettled(path, engineOf());
  assert.ok(kept);
  writeSettled(path, engineOf(), { ...kept, stages: 77 });
  const fresh = (stages: number): string => `Everything is fresh: ${stages} stages, nothing to do.\n`;
  const run = (...args: readonly string[]): Promise<Ran> => rig.lockstep(args, { env: ENV });
  assert.equal((await run('status')).stdout, fresh(77));
  assert.equal((await run('repro')).stderr, fresh(77));
  assert.deepEqual(await run('status', '--quiet'), { code: 0, signal: null, stdout: '', stderr: '' });
  assert.equal((await run('status', 'copy')).stdout, 'Everything is fresh: 1 stage, nothing to do.\n');
  assert.equal((await run('repro', '--dry-run')).stdout, fresh(5));
  assert.match((await run('repro', '--verbose')).stderr, /Everything is fresh: 5 stages/);
  assert.equal((await run('repro', '--json')).stdout.includes('"stages":5'), true);
  assert.match((await run('repro', '--force')).stderr, /5 stages: 5 ran/);
  // Another release, or a damaged file, is none.
  writeSettled(path, '0.0.0', { ...kept, stages: 77 });
  assert.equal((await run('status')).stdout, fresh(5));
  writeSettled(path, engineOf(), { ...kept, stages: 77 });
  const damaged = readFileSync(path, 'latin1').replace('"stages":77', '"stages":78');
  writeFileSync(path, damaged, 'latin1');
  assert.equal((await run('status')).stdout, fresh(5));
});

test('what is not there is never settled: whether the cache has it would have to be asked again', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  old: { cmd: cat gone > out, deps: [gone], outs: [out], frozen: true }\n',
    gone: 'x',
  });
  await rig.lockstep(['repro']);
  rig.write('pipeline.yaml', rig.read('pipeline.yaml').replace('frozen: true', 'frozen: false'));
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.write('pipeline.yaml', rig.read('pipeline.yaml').replace('frozen: false', 'frozen: true'));
  rig.remove('gone');
  assert.equal((await rig.lockstep(['status'])).stdout, 'Everything is fresh: 1 stage, nothing to do.\n');
  assert.equal(existsSync(rig.path('.lockstep/settled')), false);
});

test('a line of .gitignore that another tool took away comes back with the next run, which has nothing else to do', async () => {
  const rig = await settledRig();
  const lines = rig.read('.gitignore');
  // As "dvc remove raw.dvc" does it, and as a commit does that was made before there were any.
  for (const taken of [lines.replace('/raw\n', ''), undefined]) {
    if (taken === undefined) rig.remove('.gitignore');
    else rig.write('.gitignore', taken);
    assert.match((await rig.lockstep(['status'], { env: ENV })).stdout, /^Everything is fresh/);
    const ran = await rig.lockstep(['repro'], { env: ENV });
    assert.equal(ran.stderr, 'Everything is fresh: 5 stages, nothing to do.\n');
    assert.deepEqual(rig.read('.gitignore').split('\n').sort(), lines.split('\n').sort());
    assert.equal(await isAnswered(rig), false);
    assert.equal(await isAnswered(rig), true);
  }
});
