import assert from 'node:assert/strict';
import test from 'node:test';
import { isChildMessage } from '../../src/execute/child-protocol.ts';

const OURS: readonly object[] = [
  { type: 'log', text: '' },
  { type: 'progress', done: 0 },
  { type: 'progress', done: 1.5, total: 2, label: 'x' },
  { type: 'denied', permission: 'FileSystemRead', resource: '' },
  { type: 'done', peakMemory: 1 },
  { type: 'failed', message: 'm', stack: 's' },
  { type: 'failed', message: 'm', stack: 's', permission: 'Addon', resource: 'r', hopeless: true },
];

const STRANGE: readonly unknown[] = [
  undefined,
  null,
  'log',
  [],
  {},
  { type: 'other' },
  { type: 'toString' },
  { type: ['log'], text: 'x' },
  { type: 'log' },
  { type: 'log', text: 5 },
  { type: 'progress' },
  { type: 'progress', done: '1' },
  { type: 'progress', done: 1n },
  { type: 'progress', done: NaN },
  { type: 'progress', done: 1, total: null },
  { type: 'progress', done: 1, total: Infinity },
  { type: 'progress', done: 1, label: null },
  { type: 'denied', permission: 'FileSystemRead' },
  { type: 'done' },
  { type: 'failed', message: {}, stack: 's' },
  { type: 'failed', message: 'm' },
  { type: 'failed', message: 'm', stack: 's', hopeless: 'yes' },
];

test('only what has all its fields, each of its kind, is a message of ours', () => {
  for (const message of OURS) assert.equal(isChildMessage(message), true, JSON.stringify(message));
  for (const [index, message] of STRANGE.entries())
    assert.equal(isChildMessage(message), false, String(index));
});
