import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { Fingerprint, StageLock } from '../../src/base/types.ts';
import { createRunCache, entryPathOf, formatRunEntry, parseRunEntry } from '../../src/record/runs.ts';
import { HASH, WEIRD, resultOf, shellResult, tempFolder } from './rig.ts';

function put(dir: string, path: string, text: string): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
}

const entryOf = (result: StageLock): string => entryPathOf(result.fingerprint);

test('a result is recalled by its fingerprint, whatever its parameters', () => {
  const runs = createRunCache(tempFolder());
  const params = Object.fromEntries(WEIRD.map((value, index) => [`p${index}`, value]));
  const full = resultOf();
  const alone = { ...full.fingerprint, outs: full.fingerprint.outs.filter((out) => !out.persist) };
  for (const result of [{ ...full, fingerprint: alone }, shellResult('x', { 'params.yaml': params })]) {
    assert.equal(runs.recall(result.fingerprint), undefined);
    runs.save(result);
    assert.deepEqual(runs.recall(result.fingerprint), result);
  }
  assert.equal(runs.list().length, 2);
});

test('the name of an entry is the SHA-256 of the canonical fingerprint', () => {
  // sha256 of {"action":{"cmd":"x"},"deps":[],"outs":[{"path":"o"}],"params":{}}, by sha256sum.
  assert.equal(
    entryOf(shellResult('x')),
    `runs/c2/597bbb145616ee3111cf26a7887ea32609bb9979eb444b30273f71497303f5`,
  );
});

test('the newest result of a fingerprint replaces an older one', () => {
  const runs = createRunCache(tempFolder());
  const old = shellResult('x');
  const newer = { ...old, outs: old.outs.map((out) => ({ ...out, size: 99 })) };
  runs.save(old);
  runs.save(newer);
  assert.deepEqual(runs.recall(old.fingerprint), newer);
});

test('a result that continued from its old outs is not kept, whoever has it', () => {
  const runs = createRunCache(tempFolder());
  runs.save(resultOf());
  runs.keep(resultOf());
  assert.deepEqual(runs.list(), []);
});

test('what the lock forgets is kept, unless it was edited or is there already', () => {
  const runs = createRunCache(tempFolder());
  const kept = shellResult('kept');
  runs.keep(kept);
  const edited = { ...shellResult('edited'), edited: true as const };
  runs.keep(edited);
  runs.save(edited);
  assert.deepEqual(
    runs.list().map(({ result }) => result),
    [kept],
  );
  runs.keep({ ...kept, outs: kept.outs.map((out) => ({ ...out, size: 99 })) });
  assert.deepEqual(runs.recall(kept.fingerprint), kept);
});

test('an entry whose name is not that of its fingerprint is as if it were not there', () => {
  const dir = tempFolder();
  const runs = createRunCache(dir);
  const wanted = shellResult('wanted');
  put(dir, entryOf(wanted), formatRunEntry(shellResult('other')));
  assert.equal(runs.recall(wanted.fingerprint), undefined);
  assert.deepEqual(runs.list(), []);
});

const SEALED = formatRunEntry(shellResult('x'));
/** Without its checksum, which would hide what else is wrong. */
const GOOD = SEALED.replace(/,"sum":"[0-9a-f]{64}"/, '');
const FORGED: readonly (readonly [what: string, text: string])[] = [
  ['cut off', GOOD.slice(0, -10)],
  ['empty', ''],
  ['of another version', GOOD.replace('"version":1', '"version":2')],
  ['a list', '[]'],
  ['null', 'null'],
  ['with an out that climbs', GOOD.replace(/"path":"o","size"/, '"path":"../o","size"')],
  ['with an absolute out', GOOD.replace(/"path":"o","size"/, '"path":"/o","size"')],
  ['with an out in git’s folder', GOOD.replace(/"path":"o","size"/, '"path":".git/o","size"')],
  ['with one out twice', GOOD.replace(/"outs":\[(\{"hash"[^\]]*)\]/, '"outs":[$1,$1]')],
  ['with a hash that is a path', GOOD.replace(HASH, 'sha256:../../x')],
  ['with an unknown key', GOOD.replace('"outs":', '"more":1,"outs":')],
  ['nested endlessly', '['.repeat(100_000)],
  ['whose checksum is another', SEALED.replace('"size":0', '"size":1')],
  ['with a key beside its result', GOOD.replace('"version":1', '"version":1,"sun":""')],
];

test('an entry from before checksums is read', () => {
  assert.notEqual(GOOD, SEALED);
  assert.deepEqual(parseRunEntry(Buffer.from(GOOD)), shellResult('x'));
});

for (const [what, text] of FORGED) {
  test(`an entry ${what} is as if it were not there`, () => {
    assert.notEqual(text, GOOD);
    assert.equal(parseRunEntry(Buffer.from(text)), undefined);
    const dir = tempFolder();
    put(dir, entryOf(shellResult('x')), text);
    const runs = createRunCache(dir);
    assert.equal(runs.recall(shellResult('x').fingerprint), undefined);
    assert.deepEqual(runs.list(), []);
  });
}

test('files that are no entries do not disturb the list', () => {
  const dir = tempFolder();
  const runs = createRunCache(dir);
  runs.save(shellResult('x'));
  put(dir, 'runs/README', 'hello');
  put(dir, 'runs/zz/deep/er', '{}');
  const [entry, ...rest] = runs.list();
  assert.deepEqual(rest, []);
  assert.deepEqual(entry, { path: entryOf(shellResult('x')), result: shellResult('x') });
  assert.equal(readFileSync(join(dir, entry?.path ?? ''), 'utf8'), SEALED);
});

test('a parameter that was told as 1e20 is recorded the same, run or recalled', () => {
  const runs = createRunCache(tempFolder());
  const fingerprint: Fingerprint = shellResult('x', { 'p.yaml': { n: 1e20 } }).fingerprint;
  runs.save({ ...shellResult('x'), fingerprint });
  assert.equal(runs.recall(fingerprint)?.fingerprint.params['p.yaml']?.['n'], 1e20);
});
