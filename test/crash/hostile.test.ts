import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { PipelineError } from '../../src/base/error.ts';
import type { StageLock } from '../../src/base/types.ts';
import { createLockFormatter, parseLock } from '../../src/record/lockfile.ts';
import { formatRunEntry, parseRunEntry } from '../../src/record/runs.ts';
import { parseManifest } from '../../src/store/tree.ts';
import { HASH, resultOf, shellResult } from '../record/rig.ts';
import { createRig } from '../rig.ts';
import { HOSTILE_ENTRIES, HOSTILE_LOCKS, HOSTILE_PATHS, SANE_ENTRY, manifestOf } from './hostile-texts.ts';
import { assertCleanPrototype } from './prototype.ts';

async function lockFault(text: string): Promise<string | undefined> {
  try {
    await parseLock(text);
    return undefined;
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error;
    return error.code;
  }
}

for (const [what, text] of Object.entries(HOSTILE_LOCKS)) {
  test(`a lock with ${what} is refused`, async () => {
    assert.match((await lockFault(text)) ?? 'it was believed', /^lock\.(invalid|version)$/);
    assertCleanPrototype();
  });
}

test('a lock with a hostile path anywhere is refused', async () => {
  const format = createLockFormatter();
  const good = resultOf();
  for (const path of HOSTILE_PATHS) {
    const [first, ...rest] = good.outs;
    const [dep] = good.fingerprint.deps;
    assert.ok(first && dep);
    const entries: readonly StageLock[] = [
      { ...good, outs: [{ ...first, path: path as never }, ...rest] },
      { ...good, fingerprint: { ...good.fingerprint, deps: [{ ...dep, path }] } },
      { ...good, fingerprint: { ...good.fingerprint, action: { run: path } } },
      { ...good, fingerprint: { ...good.fingerprint, action: { cmd: 'x', wdir: path } } },
    ];
    for (const entry of entries) {
      const text = format.format({ stages: new Map([['s', entry]]), data: [] });
      assert.equal(await lockFault(text), 'lock.invalid', `${JSON.stringify(path)}\n${text}`);
      // Our own writer would mend half a character.
      const recorded = formatRunEntry(entry)
        .replace(/,"sum":"[0-9a-f]{64}"/, '')
        .replaceAll('"a\uFFFDb"', String.raw`"a\ud800b"`);
      assert.equal(parseRunEntry(Buffer.from(recorded)), undefined, JSON.stringify(path));
    }
    const data = format.format({ stages: new Map(), data: [{ ...first, path: path as never }] });
    assert.equal(await lockFault(data), 'lock.invalid', data);
  }
});

test('parameters and stages named like parts of every object stay what they are', async () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype'];
  const params = Object.fromEntries(
    names.map((name) => [name, { polluted: true, [name]: [name, { [name]: 1 }] }]),
  );
  const result = shellResult('x', { 'params.yaml': params });
  const stages = new Map(names.map((name) => [name, result]));
  const text = createLockFormatter().format({ stages, data: [] });
  const lock = await parseLock(text);
  assert.deepEqual(
    [...lock.stages.keys()].sort((a, b) => (a < b ? -1 : 1)),
    [...names].sort((a, b) => (a < b ? -1 : 1)),
  );
  assert.equal(createLockFormatter().format(lock), text);
  assert.deepEqual(parseRunEntry(Buffer.from(formatRunEntry(result))), result);
  assertCleanPrototype();
});

test('an entry of the run cache that is as it should be is believed', () => {
  assert.equal(parseRunEntry(Buffer.from(SANE_ENTRY))?.outs[0]?.hash, HASH);
});

test('of a key that an entry of the run cache has twice only the last counts, as of any JSON', () => {
  const twice = SANE_ENTRY.replace('"path":"o","hash"', '"path":"../victim","path":"o","hash"');
  assert.notEqual(twice, SANE_ENTRY);
  assert.deepEqual(parseRunEntry(Buffer.from(twice)), parseRunEntry(Buffer.from(SANE_ENTRY)));
});

for (const [what, text] of Object.entries(HOSTILE_ENTRIES)) {
  test(`an entry of the run cache with ${what} is as if it were not there`, () => {
    assert.equal(parseRunEntry(Buffer.from(text)), undefined);
    assertCleanPrototype();
  });
}

test('a manifest with a hostile path is refused', () => {
  for (const path of HOSTILE_PATHS)
    assert.throws(
      () => parseManifest(Buffer.from(manifestOf([path])), 'sha256'),
      (error: unknown) => error instanceof PipelineError && error.code === 'manifest.invalid',
      JSON.stringify(path),
    );
});

test('outs that differ by case or by Unicode form only are kept apart where the file system does', async () => {
  const outs = ['A', 'a', 'e\u0301', '\u00E9'];
  const stages = outs.map((out, index) => `  s${index}: { cmd: echo ${index} > ${out}, outs: [${out}] }\n`);
  const rig = createRig({ 'pipeline.yaml': `stages:\n${stages.join('')}` });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  for (const out of outs) rig.remove(out);
  assert.equal((await rig.lockstep(['checkout'])).code, 0);
  assert.deepEqual(
    outs.map((out) => rig.read(out)),
    ['0\n', '1\n', '2\n', '3\n'],
  );
});

test('an out behind a link is never written through it, whatever the lock says', async () => {
  const outside = realpathSync(mkdtempSync(join(tmpdir(), 'lockstep-outside-')));
  after(() => rmSync(outside, { recursive: true, force: true }));
  writeFileSync(join(outside, 'out'), 'mine');
  for (const [stages, command] of [
    ['  s: { cmd: mkdir -p made && echo theirs > made/out, outs: [made/out] }\n', 'checkout'],
    ['  s: { cmd: echo theirs > made/out, outs: [made/out] }\n', 'repro'],
    ['  s: { cmd: echo theirs > made/out, outs: [made/out] }\n', 'commit'],
  ] as const) {
    const rig = createRig({ 'pipeline.yaml': `stages:\n${stages}` });
    mkdirSync(rig.path('made'));
    assert.equal((await rig.lockstep(['repro'])).code, 0);
    rig.remove('made');
    symlinkSync(outside, rig.path('made'));
    if (command === 'repro')
      rig.write('pipeline.yaml', rig.read('pipeline.yaml').replace('theirs', 'others'));
    const ran = await rig.lockstep([command]);
    assert.notEqual(ran.code, 0, ran.stdout);
    assert.match(ran.stderr, /error\[out\.[a-z-]+\]/);
    assert.doesNotMatch(ran.stderr, /internal\.bug/);
    assert.equal(readFileSync(join(outside, 'out'), 'utf8'), 'mine');
    assert.deepEqual(execFileSync('ls', ['-A', outside], { encoding: 'utf8' }), 'out\n');
  }
});

test('a count of files in a lock that is not true harms nobody', async () => {
  const rig = createRig({ 'pipeline.yaml': 'data: [given/]\nstages: {}\n', 'given/a': 'a', 'given/b': 'b' });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  for (const count of ['0', '9007199254740991']) {
    rig.write('pipeline.lock', rig.read('pipeline.lock').replace(/files: \d+/, `files: ${count}`));
    rig.remove('given/b');
    for (const args of [['status'], ['checkout'], ['verify'], ['gc', '--delete']]) {
      const ran = await rig.lockstep(args);
      assert.equal(ran.code, 0, `${count}, ${args.join(' ')}: ${ran.stderr}`);
    }
    assert.equal(rig.read('given/b'), 'b');
  }
});

const COMMANDS = ['checkout', 'repro', 'status', 'push', 'gc --delete', 'commit', 'verify'];

test('no command follows a hostile lock out of the project', async () => {
  for (const path of ['../victim', '.git/config', '/tmp/lockstep-victim']) {
    const rig = createRig({
      'project/pipeline.yaml': 'stages:\n  s: { cmd: echo x > o, outs: [o] }\n',
      victim: 'mine',
    });
    assert.equal((await rig.lockstep(['repro'], { cwd: 'project' })).code, 0);
    rig.write(
      'project/pipeline.lock',
      rig.read('project/pipeline.lock').replaceAll('path: o\n', `path: ${path}\n`),
    );
    for (const command of path === '../victim' ? COMMANDS : ['checkout']) {
      const args = command.split(' ');
      const ran = await rig.lockstep(args, { cwd: 'project' });
      assert.equal(ran.code, 2, `${args.join(' ')}: ${ran.stdout}${ran.stderr}`);
      assert.match(ran.stderr, /error\[[a-z]+\.[a-z-]+\]/);
    }
    assert.equal(rig.read('victim'), 'mine');
  }
});
