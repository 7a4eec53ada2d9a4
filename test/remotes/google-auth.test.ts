import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import openGdrive from '../../src/remotes/gdrive.ts';
import { configOf } from './bodies.ts';
import { KEY_FILES } from './kinds.ts';
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
  const { url: endpoint } = await listenFor(t, server);
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-token-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(KEY_FILES)) writeFileSync(join(folder, name), text);
  const config = configOf('gdrive://root', {
    endpoint,
    client: join(folder, 'client.json'),
    token_file: join(folder, 'token.json'),
  });
  const { signal } = new AbortController();
  const remote = await openRaw(openGdrive, config);
  await assert.rejects(remote.head('a', signal), { code: 'remote.unreachable', retryable: true });
  assert.deepEqual(waits, [30_000]);
});
