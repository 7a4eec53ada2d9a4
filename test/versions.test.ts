import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, globSync, readdirSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { sha256Hex } from '../src/base/hash.ts';
import { MARK } from '../src/io/process.ts';
import { writeSealed } from '../src/io/sealed.ts';
import { REPOSITORY, createRig, rigAt } from './rig.ts';

/*
 * What another version left behind, an older one or one that is yet to come: nothing of it is lost, and nobody meets a crash.
 */

const FILES = {
  'pipeline.yaml': `data: [in]
stages:
  copy: { cmd: cat in > out, deps: [in], outs: [out] }
  module: { run: stage.ts, deps: [out], outs: { made: made } }
`,
  in: 'x\n',
  'stage.ts': `import { writeFileSync } from 'node:fs';
export default ({ outs }) => writeFileSync(outs.made, 'y');
`,
};

test('private state that another version writes otherwise, under the seal of all, is as if it were not there', async () => {
  const rig = createRig(FILES);
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  for (const text of ['null', '(\u00b5 no JSON at all']) {
    for (const name of ['memo', 'snapshot', 'settled', 'code', 'completion', 'data'])
      writeSealed(rig.path(`.lockstep/${name}`), Buffer.from(text));
    const words = await rig.lockstep(['completion', '--words', '--', 'repro', 'c']);
    assert.deepEqual([words.stdout, words.stderr], ['copy\n', ''], text);
    const ran = await rig.lockstep(['repro']);
    assert.deepEqual([ran.code, ran.stderr], [0, 'Everything is fresh: 2 stages, nothing to do.\n'], text);
  }
});

test('an engine that was edited or pulled believes nothing that the one before it had made of files, though its version is the same', async () => {
  const engine = createRig();
  for (const name of ['bin', 'src', 'schema', 'calendars', 'package.json'])
    cpSync(join(REPOSITORY, name), engine.path(name), { recursive: true, preserveTimestamps: true });
  engine.remove('node_modules');
  symlinkSync(join(REPOSITORY, 'node_modules'), engine.path('node_modules'));
  const project = rigAt(createRig(FILES).root, {}, engine.path('bin/lockstep.cjs'));
  const fresh = 'Everything is fresh: 2 stages, nothing to do.\n';
  for (const args of [['repro'], ['completion', '--words', '--', 'repro', ''], ['repro']])
    assert.equal((await project.lockstep(args)).code, 0);
  assert.equal((await project.lockstep(['status'])).stdout, fresh);
  const reader = 'src/read/pipeline.ts';
  engine.write(reader, `${engine.read(reader)}\nthrow new Error('the next one reads anew');\n`);
  for (const args of [['status'], ['status', 'copy'], ['completion', '--words', '--', 'repro', '']])
    assert.match((await project.lockstep(args)).stderr, /the next one reads anew/, args.join(' '));
});

test('results of a newer lockstep stay in the run cache and on a remote, and gc takes nothing for garbage that may be theirs', async () => {
  const rig = createRig({ ...FILES, 'remotes.yaml': 'default: shelf\nremotes: { shelf: { url: shelf } }\n' });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  assert.equal((await rig.lockstep(['push', '--run-cache'])).code, 0);
  const entries = ['.lockstep', 'shelf'].flatMap((place) => globSync(`${place}/runs/*/*`, { cwd: rig.root }));
  assert.equal(entries.length, 4);
  for (const path of entries) {
    const text = rig.read(path).replace('"version":1', '"version":2').replace('"result"', '"results"');
    chmodSync(rig.path(path), 0o644);
    rig.write(path, text);
  }
  for (const args of [
    ['verify', '--read-data'],
    ['verify', '--read-data', '-r', 'shelf'],
    ['pull', '--run-cache'],
  ]) {
    const ran = await rig.lockstep(args);
    assert.deepEqual(
      [ran.code, /corrupt|past result/.test(`${ran.stdout}${ran.stderr}`)],
      [0, false],
      args.join(' '),
    );
  }
  for (const args of [['gc'], ['gc', '--delete']]) {
    const { code, stderr } = await rig.lockstep(args);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^error\[gc\.version\]: the run cache has 2 results of a newer lockstep \(\.lockstep\/runs\//,
    );
  }
  for (const path of entries) assert.match(rig.read(path), /"version":2/);
});

test('of an attempt that another version recorded in its own way the processes are ended, and the outs that it had moved are kept', async () => {
  const rig = createRig(FILES);
  const id = '999999999-0.0';
  rig.write(`.lockstep/attempts/${id}.json`, '{"phase":"running"}');
  rig.write(`.lockstep/staging/${id}/aside/0/out`, 'old');
  const stage = spawn('sleep', ['600'], { env: { ...process.env, [MARK]: id }, stdio: 'ignore' });
  after(() => stage.kill('SIGKILL'));
  const ended = once(stage, 'exit');
  const ran = await rig.lockstep(['repro']);
  assert.equal(ran.code, 0, ran.stderr);
  assert.match(ran.stderr, /warning\[recover\.damaged\]/);
  assert.deepEqual(await ended, [null, 'SIGTERM']);
  assert.equal(rig.read(`.lockstep/failed/${id}/0/out`), 'old');
  for (const name of ['attempts', 'staging'])
    assert.deepEqual(readdirSync(rig.path(`.lockstep/${name}`)), []);
});

test('a note of parts that another version keeps in its own way is told as one that cannot be read', async () => {
  const rig = createRig({
    'pipeline.yaml': 'data: [folder]\nstages: {}\n',
    'folder/a': 'a',
    'folder/b': 'b',
  });
  rig.write('remotes.yaml', 'default: shelf\nremotes: { shelf: { url: shelf } }\n');
  for (const args of [['repro'], ['push']]) assert.equal((await rig.lockstep(args)).code, 0);
  const text = '{"version":2,"parts":[]}\n';
  rig.write('.lockstep/incomplete', `${sha256Hex(text)} ${text}`);
  rig.remove('folder/b');
  for (const args of [['status'], ['repro'], ['pull', 'folder/a'], ['commit']]) {
    const { code, stderr } = await rig.lockstep(args);
    assert.equal(code, 1, args.join(' '));
    assert.match(stderr, /^error\[incomplete\.damaged\]/m);
  }
});

test('a lock with a key of a newer lockstep is refused with what helps where git has it so', async () => {
  const rig = createRig(FILES);
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.write(
    'pipeline.lock',
    rig.read('pipeline.lock').replace('    declares:\n', '    zone: eu\n    declares:\n'),
  );
  const { code, stderr } = await rig.lockstep(['repro']);
  assert.equal(code, 2);
  assert.match(stderr, /^error\[lock\.invalid\]: .* the entry has the unknown key "zone"/);
  assert.match(stderr, /if it is the same in git, use the newer Lockstep that wrote it/);
});

test('a tracked input that an older lockstep did not note is known from the first look that finds nothing to do', async () => {
  const rig = createRig(FILES);
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  const lock = rig.read('pipeline.lock');
  rig.write('in', 'mine\n');
  for (const look of [['status'], ['repro']]) {
    assert.equal((await rig.lockstep(['repro'])).code, 0);
    const own = rig.read('pipeline.lock');
    for (const name of ['data', 'settled']) rig.remove(`.lockstep/${name}`);
    assert.equal((await rig.lockstep(look)).code, 0);
    // As git does it, with what somebody else recorded.
    rig.write('pipeline.lock', lock);
    assert.equal((await rig.lockstep(['repro'])).code, 0);
    assert.deepEqual([rig.read('in'), rig.read('pipeline.lock')], ['x\n', lock], look.join(' '));
    rig.write('pipeline.lock', own);
  }
});

test('the history of a newer lockstep is read, with reasons that are not known here by their names', async () => {
  const rig = createRig(FILES);
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  const [path = ''] = globSync('.lockstep/history/*.ndjson', { cwd: rig.root });
  rig.write(path, rig.read(path).replaceAll('"kind":"never-run"', '"kind":"moon-phase","moon":3'));
  const { code, stdout, stderr } = await rig.lockstep(['log', basename(path, '.ndjson')]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^ {2}copy .* ran .* moon-phase$/m);
});
