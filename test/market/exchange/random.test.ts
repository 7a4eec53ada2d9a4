import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom, createXoshiro, hashFnv1a } from '../../../src/market/exchange/random.ts';

test('FNV-1a gives the published values', () => {
  // draft-eastlake-fnv, test vectors of the 32-bit FNV-1a.
  assert.equal(hashFnv1a(''), 0x811c9dc5);
  assert.equal(hashFnv1a('a'), 0xe40c292c);
  assert.equal(hashFnv1a('foobar'), 0xbf9cf968);
});

test('xoshiro128** gives the numbers of its reference code for the state 1, 2, 3, 4', () => {
  const random = createXoshiro([1, 2, 3, 4]);
  const numbers = Array.from({ length: 10 }, () => random.nextUint32());
  assert.deepEqual(
    numbers,
    [11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804],
  );
});

test('uniform numbers lie in [0, 1) and normal ones have about mean 0 and variance 1', () => {
  const random = createRandom('a key');
  const uniforms = Array.from({ length: 4000 }, () => random.uniform());
  assert.ok(uniforms.every((value) => value >= 0 && value < 1));
  const normals = Array.from({ length: 4000 }, () => random.normal());
  const mean = normals.reduce((sum, value) => sum + value, 0) / normals.length;
  const variance = normals.reduce((sum, value) => sum + (value - mean) ** 2, 0) / normals.length;
  // Five standard errors of either.
  assert.ok(Math.abs(mean) < 0.08, `mean ${mean}`);
  assert.ok(Math.abs(variance - 1) < 0.12, `variance ${variance}`);
});

test('streams of different keys differ and one does not move the other', () => {
  const alone = createRandom('seed|A');
  const first = [alone.nextUint32(), alone.nextUint32()];
  const again = createRandom('seed|A');
  const other = createRandom('seed|B');
  assert.equal(again.nextUint32(), first[0]);
  assert.notEqual(other.nextUint32(), first[0]);
  assert.equal(again.nextUint32(), first[1]);
});
