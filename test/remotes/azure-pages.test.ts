import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { configOf, listAll } from './bodies.ts';
import { listenFor } from './listen.ts';
import { open } from './open.ts';

const { signal } = new AbortController();

/** Of Microsoft's documentation of "List Blobs", with what a listing reads: the marker is empty on the last page. */
function pageOf(name: string, marker: string): string {
  return `<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="http://me/" ContainerName="box"><Blobs><Blob><Name>${name}</Name><Properties><Content-Length>7</Content-Length></Properties></Blob></Blobs><NextMarker>${marker}</NextMarker></EnumerationResults>`;
}

test('a listing of azure goes through all pages, the largest that it may ask for', async (t) => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? '', 'http://host').searchParams;
    asked.push(`${query.get('prefix')} ${query.get('maxresults')} ${query.get('marker') ?? 'first'}`);
    const [name, next] = query.get('marker') === 'more' ? ['some/b', ''] : ['some/a', 'more'];
    response.writeHead(200, { 'content-type': 'application/xml' }).end(pageOf(name, next));
  });
  const endpoint = `${(await listenFor(t, server)).url}/me`;
  const key = Buffer.from('key').toString('base64');
  const remote = await open(configOf('azure://box/some', { endpoint, account: 'me', account_key: key }));
  assert.deepEqual(await listAll(remote, '', signal), ['a 7', 'b 7']);
  assert.deepEqual(asked, ['some/ 5000 first', 'some/ 5000 more']);
  await remote.close?.();
});
