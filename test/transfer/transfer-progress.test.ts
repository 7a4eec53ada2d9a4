import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import type { EventBody } from '../../src/base/event.ts';
import type { ContentHash } from '../../src/base/types.ts';
import { createTransferProgress } from '../../src/transfer/transfer-progress.ts';

const MIB = 1024 * 1024;
const A: ContentHash = `sha256:${'a'.repeat(64)}`;
const B: ContentHash = `sha256:${'b'.repeat(64)}`;

const pieces = (count: number, size: number): Readable =>
  Readable.from(Array.from({ length: count }, () => Buffer.alloc(size)));

async function drain(stream: Readable, limit = Infinity): Promise<void> {
  let left = limit;
  for await (const _ of stream) if (--left === 0) return;
}

function record(): { readonly told: [number, number][]; readonly emit: (event: EventBody) => void } {
  const told: [number, number][] = [];
  return {
    told,
    emit(event) {
      if (event.type === 'transfer-progressed') told.push([event.objects, event.size]);
    },
  };
}

test('a large object is told of in steps while it is on its way, a small one when it has arrived', async () => {
  const { told, emit } = record();
  const progress = createTransferProgress('push', emit);
  const body = progress.countBody(A, { size: 4 * MIB, open: () => pieces(8, MIB / 2) });
  await drain(body.open());
  assert.deepEqual(told, [
    [0, MIB],
    [0, 2 * MIB],
    [0, 3 * MIB],
    [0, 4 * MIB],
  ]);
  progress.arrived(4 * MIB, A);
  const small = { size: MIB, open: () => pieces(1, MIB) };
  assert.equal(progress.countBody(B, small), small);
  progress.arrived(MIB, B);
  assert.deepEqual(told.slice(4), [
    [1, 4 * MIB],
    [2, 5 * MIB],
  ]);
  assert.deepEqual(progress.done(), { objects: 2, size: 5 * MIB });
});

test('bytes of an object that is sent again, or that failed, count once or not at all', async () => {
  const { told, emit } = record();
  const progress = createTransferProgress('fetch', emit, { objects: 1, size: 10 });
  const body = progress.countBody(A, { size: 4 * MIB, open: () => pieces(4, MIB) });
  await drain(body.open(), 3);
  await drain(body.open());
  progress.arrived(4 * MIB, A);
  assert.deepEqual(told.at(-1), [2, 4 * MIB + 10]);
  assert.ok(told.every(([, size]) => size <= 4 * MIB + 10));
  progress.counterOf(B, 4 * MIB)?.(3 * MIB);
  assert.deepEqual(told.at(-1), [2, 7 * MIB + 10]);
  progress.failed(B);
  progress.arrived(1, A);
  assert.deepEqual(told.at(-1), [3, 4 * MIB + 11]);
});
