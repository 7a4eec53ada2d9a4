import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bodyOf, configOf, keyOf, seededBytes } from './bodies.ts';
import { startFakeDrive } from './fake-drive.ts';
import { KEY_FILES } from './kinds.ts';
import { listenFor } from './listen.ts';
import { open } from './open.ts';

const { signal } = new AbortController();
const bytes = seededBytes(1000, 1);

test('gcs: an object that arrives wrong each time does not stay', async (t) => {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.method ?? '');
    request.resume().once('end', () => {
      if (request.method === 'DELETE') response.writeHead(204).end();
      else response.end(JSON.stringify({ md5Hash: Buffer.alloc(16).toString('base64') }));
    });
  });
  const { url: endpoint } = await listenFor(t, server);
  const remote = await open(configOf('gs://bucket/some', { endpoint, project: 'test' }));
  await assert.rejects(remote.put(keyOf(bytes), bodyOf(bytes), signal), { code: 'remote.corrupt' });
  assert.deepEqual(requests.slice(-2), ['POST', 'DELETE']);
});

test('gdrive: an object that arrives wrong each time does not stay', async (t) => {
  await using fake = await startFakeDrive({
    get corruptNext() {
      return true;
    },
    set corruptNext(_) {},
  });
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-drive-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(KEY_FILES)) writeFileSync(join(folder, name), text);
  const config = configOf(`gdrive://${fake.root}/some`, {
    client: join(folder, 'client.json'),
    token_file: join(folder, 'token.json'),
    endpoint: fake.url,
  });
  const remote = await open(config, { clock: fake.clock });
  await assert.rejects(remote.put(keyOf(bytes), bodyOf(bytes), signal), { code: 'remote.corrupt' });
  assert.equal(await (await open(config, { clock: fake.clock })).head(keyOf(bytes), signal), undefined);
});
