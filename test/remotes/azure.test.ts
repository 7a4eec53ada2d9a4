import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import { bodyOf, configOf, seededBytes } from './bodies.ts';
import { listen } from './listen.ts';
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
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const sent = Buffer.concat(chunks);
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

for (const { jobs, most } of [
  { jobs: 1, most: 1 },
  { jobs: 40, most: 12 },
]) {
  test(`of large blobs ${most} blocks are under way at once with jobs: ${jobs}, and in memory`, async () => {
    await using fake = await startFakeAzure(most);
    const keys = { account: 'me', account_key: Buffer.from('key').toString('base64') };
    const remote = await open(configOf('azure://box/some', { endpoint: `${fake.url}/me`, ...keys, jobs }));
    // The last block is a short one.
    const bodies = Array.from({ length: 5 }, (_, i) => seededBytes(3 * 8 * MIB - 1 - i, i));
    await Promise.all(bodies.map((bytes, i) => remote.put(`runs/${i}`, bodyOf(bytes), signal)));
    for (const [i, bytes] of bodies.entries())
      assert.ok(fake.blobs.get(`/me/box/some/runs/${i}`)?.equals(bytes), String(i));
    assert.equal(fake.most(), most);
    await remote.close?.();
  });
}
