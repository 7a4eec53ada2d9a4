import assert from 'node:assert/strict';
import test from 'node:test';
import { PipelineError } from '../../src/base/error.ts';
import { sha256Hex } from '../../src/base/hash.ts';
import { guardedPart, isRelPath } from '../../src/base/path.ts';
import type { RelPath, StageLock } from '../../src/base/types.ts';
import { formatStep, parseStep } from '../../src/execute/journal-step.ts';
import { createLockFormatter, parseLock } from '../../src/record/lockfile.ts';
import { formatRunEntry, parseRunEntry } from '../../src/record/runs.ts';
import { formatManifest, parseManifest } from '../../src/store/tree.ts';
import { HASH, WEIRD, resultOf, shellResult } from '../record/rig.ts';
import { HOSTILE_PATHS } from './hostile-texts.ts';
import { assertCleanPrototype } from './prototype.ts';
import { createSeeded, sampleOf, seedOf } from './seeded.ts';
import type { Seeded } from './seeded.ts';

const SEED = seedOf(process.env);

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
  assertSafePaths([...result.outs, ...result.fingerprint.deps], told);
}

function assertSafePaths(items: readonly { readonly path: string }[], told: string): void {
  for (const { path } of items) assert.ok(isRelPath(path) && guardedPart(path) === undefined, told);
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
  ).toString();
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
        path: 'd/o' as RelPath,
        home: '/project/d/o',
        made: `${staging}/outs/0/o`,
        aside: `${staging}/aside/0/o`,
        had: true,
      },
    ],
    folders: [staging],
    result: resultOf(),
  }).slice(33);
  let believed = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const told = `round ${round}, LOCKSTEP_SEED=${SEED}`;
    const mutatedLock = mutate(lock, seeded);
    try {
      // The library for YAML is the slow one.
      if (round % 4 === 0) {
        const read = await parseLock(mutatedLock);
        for (const result of read.stages.values()) assertSafe(result, told);
        assertSafePaths(read.data, told);
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
      assert.equal(String(formatManifest(entries, 'sha256')), mutatedManifest, told);
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
});
