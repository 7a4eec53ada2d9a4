import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTail } from '../../../src/listeners/console/tail.ts';

test('the last lines come oldest first, across blocks', () => {
  const tail = createTail();
  assert.deepEqual(tail.last(3), []);
  tail.add('a\nb');
  tail.add('c');
  tail.add('');
  assert.deepEqual(tail.last(3), ['b', 'c', '']);
});

test('at least the given size is remembered and at most about twice that', () => {
  const tail = createTail(1000);
  for (let i = 0; i < 10_000; i++) tail.add(`line ${i}`);
  const kept = tail.last(10_000);
  assert.equal(kept.at(-1), 'line 9999');
  const size = kept.join('\n').length;
  assert.ok(size >= 1000 && size <= 2020, `${size}`);
  tail.add('x'.repeat(1_000_000));
  assert.ok(tail.last(10_000).join('\n').length <= 3020);
});
