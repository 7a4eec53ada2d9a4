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
import { sha256Hex } from '../../src/base/hash.ts';
import { guardedPart, isRelPath } from '../../src/base/path.ts';
import type { StageLock } from '../../src/base/types.ts';
import { formatStep, parseStep } from '../../src/execute/journal-step.ts';
import { createLockFormatter, parseLock } from '../../src/record/lockfile.ts';
import { formatRunEntry, parseRunEntry } from '../../src/record/runs.ts';
import { createCache } from '../../src/store/cache.ts';
import { createMemo } from '../../src/store/memo.ts';
import { place } from '../../src/store/place.ts';
import { formatManifest, parseManifest } from '../../src/store/tree.ts';
import { HASH, WEIRD, resultOf, shellResult } from '../record/rig.ts';
import { createRig } from '../rig.ts';
import { HOSTILE_LOCKS, HOSTILE_MANIFESTS, HOSTILE_PATHS, manifestOf } from './hostile-texts.ts';
import { createSeeded, sampleOf, seedOf } from './seeded.ts';
import type { Seeded } from './seeded.ts';

const SEED = seedOf(process.env);
/** No text of these tests takes a hundredth of it. */
const SLOW_MS = 5000;

async function lockFault(text: string): Promise<string | undefined> {
  const began = performance.now();
  try {
    await parseLock(text);
    return undefined;
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error;
    return error.code;
  } finally {
    assert.ok(performance.now() - began < SLOW_MS, `it took ${performance.now() - began} ms`);
  }
}

function assertCleanPrototype(): void {
  assert.deepEqual(Object.keys(Object.prototype), []);
  assert.equal(({} as Record<string, unknown>)['action'], undefined);
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
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

for (const [what, text] of Object.entries(HOSTILE_MANIFESTS)) {
  test(`a manifest with ${what} is refused`, () => {
    assert.throws(
      () => parseManifest(Buffer.from(text), 'sha256'),
      (error: unknown) => error instanceof PipelineError && error.code === 'manifest.invalid',
    );
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

test('two names that a file system takes for one are not placed there, by case or by Unicode form', async () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'lockstep-hostile-')));
  after(() => rmSync(root, { recursive: true, force: true }));
  const dir = join(root, '.lockstep');
  const now = (): number => Date.now();
  const cache = createCache({
    dir,
    workspace: root,
    memo: createMemo(join(dir, 'memo'), now()),
    clock: { now, sleep: () => Promise.reject(new Error('nothing waits here')) },
    onCorrupt: () => {},
  });
  for (const twins of [
    ['A', 'a'],
    ['Dir/x', 'dir/y'],
    ['e\u0301', '\u00E9'],
  ]) {
    const text = formatManifest(
      twins.map((relpath) => ({ relpath, hash: HASH })),
      'sha256',
    );
    const hash = `sha256:${sha256Hex(text)}.dir` as const;
    mkdirSync(join(cache.pathOf(hash), '..'), { recursive: true });
    writeFileSync(cache.pathOf(hash), text);
    const artifact = { path: 'out', hash, kind: 'tree', size: 0, files: 2 };
    await assert.rejects(
      place(cache, artifact as never, { to: join(root, 'out'), sharing: 'share', folds: true }),
      (error: unknown) => error instanceof PipelineError && error.code !== 'object.missing',
      twins.join(' '),
    );
  }
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
    for (const args of [
      ['checkout'],
      ['repro'],
      ['status'],
      ['push'],
      ['gc', '--delete'],
      ['commit'],
      ['verify'],
    ]) {
      const ran = await rig.lockstep(args, { cwd: 'project' });
      assert.equal(ran.code, 2, `${args.join(' ')}: ${ran.stdout}${ran.stderr}`);
      assert.match(ran.stderr, /error\[[a-z]+\.[a-z-]+\]/);
    }
    assert.equal(rig.read('victim'), 'mine');
  }
});

const TOKENS = [
  ...HOSTILE_PATHS.map((path) => JSON.stringify(path)),
  '__proto__',
  '&a ',
  '*a',
  '!!js/function',
  '<<: ',
  '---\n',
  '\n',
  '\t',
  '\0',
  '{',
  '}',
  '[',
  ']',
  '"',
  "'",
  ': ',
  'null',
  'true',
  '-1',
  '1e400',
  '99999999999999999999',
  '0x10',
  '\uFEFF',
  '\u2028',
  '\\u0000',
  '\\ud800',
  '# ',
];

/** One to four changes of a text: bits, cuts, repeats, moves, and what parsers stumble over. */
function mutate(text: string, seeded: Seeded): string {
  let result = text;
  for (let change = seeded.below(4); change >= 0; change--) {
    const at = seeded.below(result.length + 1);
    const to = Math.min(result.length, at + seeded.below(40));
    const bytes = Buffer.from(result);
    const byte = seeded.below(Math.max(1, bytes.length));
    switch (seeded.below(6)) {
      case 0:
        if (bytes.length > 0) bytes.writeUInt8((bytes[byte] ?? 0) ^ (1 << seeded.below(8)), byte);
        result = bytes.toString('utf8');
        break;
      case 1:
        result = result.slice(0, at) + result.slice(to);
        break;
      case 2:
        result = result.slice(0, to) + result.slice(at);
        break;
      case 3:
        result = result.slice(0, at) + seeded.pick(TOKENS) + result.slice(at);
        break;
      case 4:
        result = result.slice(0, at) + seeded.pick(TOKENS) + result.slice(to);
        break;
      default:
        result = result.slice(0, seeded.below(8) === 0 ? at : undefined);
    }
  }
  return result;
}

function assertSafe(result: StageLock, told: string): void {
  for (const { path } of [...result.outs, ...result.fingerprint.deps])
    assert.ok(isRelPath(path) && guardedPart(path) === undefined, told);
}

const ROUNDS = sampleOf(process.env, 3000) ?? 100_000;

test(`${ROUNDS} changed texts are each refused or mean what is safe, without a crash and without a hang`, async (t) => {
  t.diagnostic(`LOCKSTEP_SEED=${SEED}`);
  const seeded = createSeeded(SEED);
  const format = createLockFormatter();
  const stages = new Map([
    ['a', resultOf()],
    ['b@1', shellResult('two\nlines', { 'params.yaml': { weird: [...WEIRD].slice(0, 20) } })],
  ]);
  const lock = format.format({ stages, data: shellResult('x').outs });
  const manifest = formatManifest(
    ['a', 'b/c', 'b/d e', 'ü'].map((relpath) => ({ relpath, hash: HASH })),
    'sha256',
  );
  const entry = formatRunEntry(resultOf()).replace(/,"sum":"[0-9a-f]{64}"/, '');
  const where = { root: '/project', id: '12-34.0' };
  const staging = '/project/.lockstep/staging/12-34.0';
  const step = formatStep(where.root, {
    id: where.id,
    stage: 'a',
    phase: 'committing',
    process: { pid: 77, start: '88' },
    outs: [
      {
        path: 'd/o',
        home: '/project/d/o',
        made: `${staging}/outs/0/o`,
        aside: `${staging}/aside/0/o`,
        had: true,
      },
    ],
    folders: [staging],
    result: resultOf(),
  }).slice(33);
  const began = performance.now();
  let believed = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const told = `round ${round}, LOCKSTEP_SEED=${SEED}`;
    const mutatedLock = mutate(lock, seeded);
    try {
      // The library for YAML is the slow one.
      if (round % 4 === 0) {
        const read = await parseLock(mutatedLock);
        for (const result of read.stages.values()) assertSafe(result, told);
        const again = createLockFormatter().format(read);
        assert.equal(createLockFormatter().format(await parseLock(again)), again, told);
        believed++;
      }
    } catch (error) {
      if (!(error instanceof PipelineError))
        throw new Error(`${told}: ${JSON.stringify(mutatedLock)}`, { cause: error });
      assert.match(error.code, /^lock\./, told);
    }
    const mutatedManifest = mutate(manifest, seeded);
    try {
      const entries = parseManifest(Buffer.from(mutatedManifest), 'sha256');
      for (const { relpath } of entries)
        assert.ok(isRelPath(relpath) && guardedPart(relpath) === undefined, told);
      assert.equal(formatManifest(entries, 'sha256'), mutatedManifest, told);
      believed++;
    } catch (error) {
      if (!(error instanceof PipelineError))
        throw new Error(`${told}: ${JSON.stringify(mutatedManifest)}`, { cause: error });
      assert.equal(error.code, 'manifest.invalid', told);
    }
    const result = parseRunEntry(Buffer.from(mutate(entry, seeded)));
    if (result) {
      assertSafe(result, told);
      believed++;
    }
    const text = mutate(step, seeded);
    const read = parseStep(`${sha256Hex(text).slice(0, 32)} ${text}`, where);
    if (read) {
      believed++;
      if (read.result) assertSafe(read.result, told);
      if (read.process) assert.ok(read.process.pid > 1, told);
      for (const folder of read.folders ?? []) assert.equal(folder, staging, told);
      for (const out of read.outs ?? []) {
        assert.ok(isRelPath(out.path) && guardedPart(out.path) === undefined, told);
        assert.equal(out.home, `/project/${out.path}`, told);
        assert.ok(
          [`${staging}/outs/`, out.home].some((start) => out.made.startsWith(start)),
          told,
        );
        assert.ok(out.aside.startsWith(`${staging}/aside/`), told);
      }
    }
  }
  assertCleanPrototype();
  // Neither all nor nothing: the changes are small enough to get past the first check.
  assert.ok(believed > ROUNDS / 50 && believed < ROUNDS * 3, String(believed));
  assert.ok((performance.now() - began) / ROUNDS < 50, 'too slow for one text');
});
