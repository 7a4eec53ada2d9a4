import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Remote } from '../../src/base/remote.ts';
import openFolder from '../../src/remotes/folder.ts';
import openHttp from '../../src/remotes/http.ts';
import { bodyOf, configOf, keyOf, listAll, readAll, seededBytes } from './bodies.ts';
import { remoteContract } from './contract.ts';
import { listen, listenFor } from './listen.ts';
import { open, openRaw } from './open.ts';
import { beginRange } from './send-range.ts';

const { signal } = new AbortController();

async function serve(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  return (await listenFor(t, createServer(answer))).url;
}

/** What is written to a folder is read from a web server that gives that folder out. */
remoteContract('http', {
  async place(t) {
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-http-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const origin = await serve(t, (request, response) => {
      const file = join(folder, decodeURIComponent(request.url ?? '').replace(/^\/base\//, ''));
      if (statSync(file, { throwIfNoEntry: false })?.isFile()) {
        const rest = beginRange(request, response, readFileSync(file));
        response.end(request.method === 'HEAD' ? undefined : rest);
      } else response.writeHead(404).end('not here');
    });
    const url = `${origin}/base`;
    const readBy = (writer: Remote, reader: Remote): Remote => ({
      ...writer,
      head: (key, signal) => reader.head(key, signal),
      get: (key, signal, from) => reader.get(key, signal, from),
    });
    return {
      open: async () => readBy(await open(configOf(folder)), await open(configOf(url))),
      openRaw: async () =>
        readBy(await openRaw(openFolder, configOf(folder)), await openRaw(openHttp, configOf(url))),
    };
  },
});

test('a web server is neither written to nor listed', async (t) => {
  const remote = await open(configOf(await serve(t, (_, response) => void response.writeHead(404).end())));
  assert.deepEqual(remote.limits, { concurrency: 16, readOnly: true, listless: true });
  await assert.rejects(remote.put('a', bodyOf(Buffer.from('x')), signal), { code: 'remote.denied', exit: 1 });
  await assert.rejects(remote.remove('a', signal), { code: 'remote.denied' });
  await assert.rejects(listAll(remote, '', signal), { code: 'remote.denied' });
});

test('wrong bytes of a web server are refused, as is an answer that is cut', async (t) => {
  const bytes = seededBytes(200_000, 3);
  const wrong = Buffer.from(bytes).fill(0, 199_999);
  let cut = false;
  const url = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    if (cut) response.write(bytes.subarray(0, 100_000), () => response.destroy());
    else response.end(wrong);
  });
  const remote = await open(configOf(url));
  await assert.rejects(async () => readAll(await remote.get(keyOf(bytes), signal)), {
    code: 'remote.corrupt',
  });
  cut = true;
  await assert.rejects(async () => readAll(await remote.get(keyOf(bytes), signal)), {
    code: 'remote.unreachable',
    retryable: true,
  });
});

test('what a server says of an object that is not there is not waited for', async (t) => {
  const closed = Promise.withResolvers<void>();
  const url = await serve(t, (request, response) => {
    if (request.method === 'HEAD') response.writeHead(405).end();
    else response.writeHead(404).once('close', closed.resolve).write('a page that never ends');
  });
  const remote = await open(configOf(url));
  assert.equal(await remote.head('a', signal), undefined);
  await closed.promise;
});

test('a server that knows no HEAD is measured by reading', async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.method === 'HEAD') response.writeHead(405).end();
    else if (request.url === '/a') response.end('12345');
    else response.writeHead(404).end();
  });
  const remote = await open(configOf(url));
  assert.deepEqual(await remote.head('a', signal), { size: 5 });
  assert.equal(await remote.head('b', signal), undefined);
});

test('every answer of a server has its code, and only what may pass is tried again', async (t) => {
  const table: readonly (readonly [number, string, number])[] = [
    [401, 'remote.credentials', 1],
    [403, 'remote.denied', 1],
    [400, 'remote.denied', 1],
    [408, 'remote.unreachable', 5],
    [429, 'remote.quota', 12],
    [500, 'remote.unreachable', 5],
    [502, 'remote.unreachable', 5],
    [503, 'remote.unreachable', 5],
    [504, 'remote.unreachable', 5],
    [507, 'remote.full', 1],
  ];
  for (const [status, code, asked] of table) {
    let requests = 0;
    const url = await serve(t, (_, response) => {
      requests++;
      response.writeHead(status).end();
    });
    await assert.rejects((await open(configOf(url))).get('a', signal), { code }, String(status));
    assert.equal(requests, asked, String(status));
  }
});

test('a wait that the server asks for is kept, in seconds or as a date of its own clock', async (t) => {
  const answers = [
    { 'retry-after': '3' },
    { 'retry-after': 'Wed, 21 Oct 2015 07:28:10 GMT', date: 'Wed, 21 Oct 2015 07:28:00 GMT' },
  ];
  const url = await serve(t, (_, response) => {
    const headers = answers.shift();
    response.writeHead(headers ? 503 : 200, { ...headers, 'content-length': 0 }).end();
  });
  const waits: number[] = [];
  const clock = { now: () => 0, sleep: async (ms: number) => void waits.push(ms) };
  assert.deepEqual(await (await open(configOf(url), { clock })).head('a', signal), { size: 0 });
  assert.deepEqual(waits, [3000, 10_000]);
});

test('a server that is not there is told with what to do', async () => {
  const gone = await listen(createServer());
  await gone[Symbol.asyncDispose]();
  const remote = await open(configOf(gone.url));
  await assert.rejects(remote.head('a', signal), {
    code: 'remote.unreachable',
    exit: 1,
    message: 'remote "test": the connection failed (ECONNREFUSED)',
  });
});

test('user and password, or a token, go with each request and into no error', async (t) => {
  const seen: (string | undefined)[] = [];
  const url = await serve(t, (request, response) => {
    seen.push(request.headers.authorization);
    response.statusMessage = `no ${request.headers.authorization} hunter2canary`;
    response.writeHead(403).end();
  });
  for (const options of [{ user: 'me', password: 'hunter2canary' }, { token: 'hunter2canary' }]) {
    await assert.rejects((await open(configOf(url, options))).head('a', signal), (error: Error) => {
      const told = `${error.message} ${error.stack} ${JSON.stringify(error)}`;
      assert.ok(!told.includes('hunter2canary'), told);
      assert.ok(!told.includes(Buffer.from('me:hunter2canary').toString('base64')), told);
      return true;
    });
  }
  assert.deepEqual(seen, [
    `Basic ${Buffer.from('me:hunter2canary').toString('base64')}`,
    'Bearer hunter2canary',
  ]);
  await assert.rejects(open(configOf(url, { token: 'x', user: 'y' })), { code: 'remote.option' });
  await assert.rejects(open(configOf(url, { password: 'x' })), { code: 'remote.option' });
  await assert.rejects(open(configOf('https://me:pass@host/')), { code: 'remote.option' });
});
