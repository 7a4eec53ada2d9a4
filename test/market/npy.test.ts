import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { formatNpy } from '../../src/market/npy.ts';
import { readNpy } from './compare-independent.ts';

const numpy =
  spawnSync('python3', ['-c', 'import numpy']).status === 0 ? {} : { skip: 'numpy is not installed' };

test('an array file is magic, version, padded header and little-endian values', () => {
  const bytes = Buffer.from(formatNpy([1, -2], [2], '<f8'));
  const header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }";
  assert.equal(bytes.subarray(0, 8).toString('hex'), '934e554d50590100');
  assert.equal(bytes.readUInt16LE(8), 118);
  assert.equal(bytes.subarray(10, 128).toString('latin1'), `${header.padEnd(117)}\n`);
  assert.equal(bytes.subarray(128).toString('hex'), '000000000000f03f00000000000000c0');
});

test('the data begins at a multiple of 64 whatever the length of the shape', () => {
  for (let digits = 1; digits <= 14; digits++) {
    const shape = [0, ...Array.from({ length: 12 }, () => 10 ** digits)];
    const bytes = Buffer.from(formatNpy([], shape, '<f4'));
    assert.equal((10 + bytes.readUInt16LE(8)) % 64, 0);
    assert.equal(bytes.length, 10 + bytes.readUInt16LE(8));
    assert.equal(bytes.at(-1), 10);
  }
});

test('each element type reads back', () => {
  assert.deepEqual(readNpy(formatNpy([0.1, 2 ** 53], [1, 2], '<f8')), {
    descr: '<f8',
    shape: [1, 2],
    values: [0.1, 2 ** 53],
  });
  assert.deepEqual(readNpy(formatNpy([0.1], [1], '<f4')).values, [Math.fround(0.1)]);
  assert.deepEqual(readNpy(formatNpy([-1, 127], [2], '|i1')).values, [-1, 127]);
  assert.deepEqual(readNpy(formatNpy([0, 255], [2, 1], '|u1')), {
    descr: '|u1',
    shape: [2, 1],
    values: [0, 255],
  });
});

test('a shape that does not hold the values is refused', () => {
  assert.throws(() => formatNpy([1, 2, 3], [2, 2], '<f8'), {
    message: 'an array of shape (2, 2) holds 4 values, not 3',
  });
});

test('NumPy reads the file as it was meant', numpy, () => {
  const script =
    'import io, json, sys, numpy\n' +
    'a = numpy.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False)\n' +
    'print(json.dumps([str(a.dtype), list(a.shape), a.flags.c_contiguous, a.tolist()]))';
  const input = formatNpy([1.5, -2, 3, 4, 5, 6], [1, 3, 2], '<f8');
  const { stdout } = spawnSync('python3', ['-c', script], { input, encoding: 'utf8' });
  assert.deepEqual(JSON.parse(stdout), [
    'float64',
    [1, 3, 2],
    true,
    [
      [
        [1.5, -2],
        [3, 4],
        [5, 6],
      ],
    ],
  ]);
});
