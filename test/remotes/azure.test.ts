import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { bodyOf, configOf, keyOf, listAll, readAll, seededBytes } from './bodies.ts';
import { listen, listenFor } from './listen.ts';
import { open } from './open.ts';

const { signal } = new AbortController();
const MIB = 1024 * 1024;

interface FakeAzure extends AsyncDisposable {
  readonly url: string;
  readonly blobs: ReadonlyMap<string, Buffer>;
  /** The most blocks that were waiting for their answer at one time; all wait until it is `wanted`. */
  readonly most: () => number;
}

/** The part of Blob storage that uploads of blocks use. */
async function startFakeAzure(wanted: number): Promise<FakeAzure> {
  const blocks = new Map<string, Buffer>();
  const blobs = new Map<string, Buffer>();
  const all = Promise.withResolvers<void>();
  let most = 0;
  let underWay = 0;
  const server = createServer((request, response) => void serve(request, response));

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const sent = await buffer(request);
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://fake');
    const nameOf = (id: string): string => `${pathname} ${id}`;
    if (searchParams.get('comp') === 'block') {
      most = Math.max(most, ++underWay);
      if (most === wanted) all.resolve();
      await all.promise;
      underWay--;
      blocks.set(nameOf(searchParams.get('blockid') ?? ''), sent);
    } else {
      const ids = [...sent.toString().matchAll(/<Latest>([^<]*)<\/Latest>/g)].map(([, id = '']) => id);
      blobs.set(pathname, Buffer.concat(ids.map((id) => blocks.get(nameOf(id)) ?? assert.fail(id))));
    }
    response.writeHead(201).end();
  }

  return {
    ...(await listen(server)),
    blobs,
    most: () => most,
  };
}

const KEYS = { account: 'me', account_key: Buffer.from('key').toString('base64') };

test('a download or listing whose connection breaks off goes on, and tells the network where it always does', async (t) => {
  const bytes = seededBytes(300_000, 7);
  let cuts = 0;
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    const isList = request.url?.includes('comp=list') === true;
    const from = Number(
      /bytes=(\d+)-/.exec(String(request.headers['x-ms-range'] ?? request.headers.range))?.[1] ?? 0,
    );
    if (!isList) ranges.push(from === 0 ? undefined : `${from}`);
    const body = isList
      ? Buffer.from(
          '<?xml version="1.0"?><EnumerationResults><Blobs></Blobs><NextMarker/></EnumerationResults>',
        )
      : bytes.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': body.length,
      'content-type': isList ? 'application/xml' : 'application/octet-stream',
      etag: '"1"',
      ...(from > 0 && { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
    });
    if (cuts-- <= 0) response.end(body);
    else response.write(body.subarray(0, body.length / 2), () => response.destroy());
  });
  const { url } = await listenFor(t, server);
  const remote = await open(configOf('azure://box/some', { endpoint: `${url}/me`, ...KEYS }));
  cuts = 2;
  assert.ok((await readAll(await remote.get(keyOf(bytes), signal))).equals(bytes));
  assert.equal(ranges.length, 3);
  assert.ok(
    ranges.slice(1).every((range) => range !== undefined),
    'what had come is not sent again',
  );
  cuts = 2;
  assert.deepEqual(await listAll(remote, 'files/', signal), []);
  cuts = Infinity;
  const told = { code: 'remote.unreachable', message: 'remote "test": the connection failed (ECONNRESET)' };
  await assert.rejects(listAll(remote, 'files/', signal), told);
  await remote.close?.();
});

test('a block whose connection breaks off is sent again, and the others are not', async (t) => {
  const sent: string[] = [];
  let cuts = 4;
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://fake');
    const number = Buffer.from(searchParams.get('blockid') ?? '', 'base64')
      .toString()
      .slice(-1);
    sent.push(searchParams.get('comp') + number);
    if (number === '2' && cuts-- > 0) request.socket.destroy();
    else request.resume().on('end', () => response.writeHead(201).end());
  });
  const { url } = await listenFor(t, server);
  const remote = await open(configOf('azure://box/some', { endpoint: `${url}/me`, ...KEYS }));
  await remote.put('runs/a', bodyOf(Buffer.alloc(17 * MIB)), signal);
  assert.deepEqual(sent.sort(), [
    'block1',
    ...Array.from({ length: 5 }, () => 'block2'),
    'block3',
    'blocklist',
  ]);
  await remote.close?.();
});

for (const { jobs, most } of [
  { jobs: 1, most: 1 },
  { jobs: 40, most: 12 },
]) {
  test(`of large blobs ${most} blocks are under way at once with jobs: ${jobs}, and in memory`, async () => {
    await using fake = await startFakeAzure(most);
    const remote = await open(configOf('azure://box/some', { endpoint: `${fake.url}/me`, ...KEYS, jobs }));
    // The last block is a short one.
    const bodies = Array.from({ length: 5 }, (_, i) => seededBytes(3 * 8 * MIB - 1 - i, i));
    await Promise.all(bodies.map((bytes, i) => remote.put(`runs/${i}`, bodyOf(bytes), signal)));
    for (const [i, bytes] of bodies.entries())
      assert.ok(fake.blobs.get(`/me/box/some/runs/${i}`)?.equals(bytes), String(i));
    assert.equal(fake.most(), most);
    await remote.close?.();
  });
}

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
  const { url } = await listenFor(t, server);
  const remote = await open(configOf('azure://box/some', { endpoint: `${url}/me`, ...KEYS }));
  assert.deepEqual(await listAll(remote, '', signal), ['a 7', 'b 7']);
  assert.deepEqual(asked, ['some/ 5000 first', 'some/ 5000 more']);
  await remote.close?.();
});
