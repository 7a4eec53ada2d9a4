import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sha256Hex } from '../../src/base/hash.ts';
import { createSnapshot, readFiles } from '../../src/record/snapshot.ts';
import { tempFolder } from './rig.ts';

type Files = Readonly<Record<string, string>>;

const open = (at: string, files: Files, engine = '1'): ReturnType<typeof createSnapshot> =>
  createSnapshot(
    at,
    engine,
    readFiles((name) => (files[name] === undefined ? undefined : Buffer.from(files[name]))),
  );

const FILES = { 'pipeline.yaml': 'a', 'params.yaml': 'b' };
const ASKED = ['pipeline.yaml', 'params.yaml', 'params.json'];

function kept(value: unknown = { made: 1 }): string {
  const at = join(tempFolder(), 'snapshot');
  const snapshot = open(at, FILES);
  snapshot.set('pipeline', ASKED, value);
  snapshot.save();
  return at;
}

test('what was made of files is there as long as each of them stands, for its owner alone', () => {
  const at = kept();
  assert.equal(statSync(at).mode & 0o777, 0o600);
  assert.deepEqual(open(at, FILES).get('pipeline'), { made: 1 });
  assert.equal(open(at, FILES).get('other'), undefined);
  assert.equal(open(at, { ...FILES, 'params.yaml': 'c' }).get('pipeline'), undefined);
  assert.equal(open(at, { 'pipeline.yaml': 'a' }).get('pipeline'), undefined);
  assert.equal(
    open(at, { ...FILES, 'params.json': '{}' }).get('pipeline'),
    undefined,
    'a file that was not there',
  );
  assert.equal(open(at, FILES, '2').get('pipeline'), undefined, 'another engine');
});

test('a value is kept for the bytes that were loaded, whatever the file has become since', () => {
  const at = join(tempFolder(), 'snapshot');
  const snapshot = createSnapshot(at, '1', {
    load: () => Buffer.from('loaded'),
    hashOf: () => sha256Hex('become'),
  });
  snapshot.set('made', ['a'], 1);
  assert.equal(snapshot.get('made'), undefined);
  snapshot.setText('told', 'a', 'become', 2);
  assert.equal(snapshot.get('told'), 2);
  snapshot.save();
  const next = open(at, { a: 'loaded' });
  assert.deepEqual([next.get('made'), next.get('told')], [1, undefined]);
  next.setText('told', 'a', 'loaded', 3);
  next.save();
  assert.equal(open(at, { a: 'loaded' }).get('told'), 3);
});

test('a snapshot with any one byte changed is as if it were not there', () => {
  const at = kept();
  const good = readFileSync(at);
  for (const index of good.keys()) {
    const bytes = Buffer.from(good);
    bytes[index] = (bytes[index] ?? 0) ^ 1;
    writeFileSync(at, bytes);
    assert.equal(open(at, FILES).get('pipeline'), undefined, `byte ${index}`);
  }
  rmSync(at);
  mkdirSync(at);
  assert.equal(open(at, FILES).get('pipeline'), undefined, 'a folder');
});

test('numbers stay what they are, however large; what JSON cannot say is not kept', () => {
  const value = { a: 1e20, b: 1e21, c: 123456789012345680000, d: 0.1, e: 9007199254740992 };
  assert.deepEqual(open(kept(value), FILES).get('pipeline'), value);
  assert.equal(open(kept({ a: 12345678901234567890n }), FILES).get('pipeline'), undefined);
});

test('keys named like properties of every object survive', () => {
  const value = JSON.parse('{"__proto__": 1, "constructor": {"a": 2}}') as object;
  assert.deepEqual(open(kept(value), FILES).get('pipeline'), value);
});
