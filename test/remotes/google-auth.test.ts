import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import openGdrive from '../../src/remotes/gdrive.ts';
import { rig } from './drive-rig.ts';
import { listenFor } from './listen.ts';
import { openRaw } from './open.ts';

test('a request for a token that nobody answers ends by itself, as something worth another try', async (t) => {
  const late = new AbortController();
  const waits: number[] = [];
  t.mock.method(AbortSignal, 'timeout', (ms: number) => {
    waits.push(ms);
    return late.signal;
  });
  const server = createServer(() => late.abort(new DOMException('late', 'TimeoutError')));
  const { config } = await rig(t);
  const { url: endpoint } = await listenFor(t, server);
  const { signal } = new AbortController();
  const remote = await openRaw(openGdrive, { ...config, options: { ...config.options, endpoint } });
  await assert.rejects(remote.head('a', signal), { code: 'remote.unreachable', retryable: true });
  assert.deepEqual(waits, [30_000]);
});
