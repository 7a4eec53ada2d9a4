import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRoom } from '../../src/remotes/room.ts';

const { signal } = new AbortController();
const MIB = 1024 * 1024;

test('no more bytes are in memory than fit, and who came first is let in first', async () => {
  const room = createRoom(1000);
  const buffers = await Promise.all(Array.from({ length: 12 }, () => room.take(8 * MIB, signal)));
  const entered: string[] = [];
  const end = Promise.withResolvers<void>();
  const large = room.use(8 * MIB, signal, async () => (entered.push('large'), end.promise));
  const small = room.use(1, signal, async () => void entered.push('small'));
  assert.deepEqual(entered, []);
  const [first] = buffers;
  assert.ok(first);
  room.give(first);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(entered, ['large']);
  end.resolve();
  await Promise.all([large, small]);
  assert.deepEqual(entered, ['large', 'small']);
});

test('a buffer is used again', async () => {
  const room = createRoom(2);
  const buffer = await room.take(8 * MIB, signal);
  room.give(buffer);
  assert.equal(await room.take(8 * MIB, signal), buffer);
  assert.equal((await room.take(1024, signal)).length, 1024);
});

test('a part that is larger than the room has it for itself', async () => {
  const room = createRoom(4);
  const small = await room.take(1024, signal);
  const taken = room.take(200 * MIB, signal);
  room.give(small);
  const large = await taken;
  let isIn = false;
  const next = room.use(0, signal, async () => void (isIn = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isIn, false);
  room.give(large);
  await next;
});

test('who is told to stop while it waits takes no room', async () => {
  const room = createRoom(1);
  const buffer = await room.take(1024, signal);
  const stop = new AbortController();
  const stopped = room.take(1024, stop.signal);
  const next = room.take(1024, signal);
  stop.abort(new Error('enough'));
  await assert.rejects(stopped, /enough/);
  await assert.rejects(room.take(1024, stop.signal), /enough/);
  room.give(buffer);
  assert.equal((await next).length, 1024);
});
