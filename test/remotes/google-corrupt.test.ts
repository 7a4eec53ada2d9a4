import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { bodyOf, configOf, keyOf, seededBytes } from './bodies.ts';
import { rig } from './drive-rig.ts';
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
  const { open } = await rig(t, {
    get corruptNext() {
      return true;
    },
    set corruptNext(_) {},
  });
  await assert.rejects((await open()).put(keyOf(bytes), bodyOf(bytes), signal), { code: 'remote.corrupt' });
  assert.equal(await (await open()).head(keyOf(bytes), signal), undefined);
});
