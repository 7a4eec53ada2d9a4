import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createTcpServer } from 'node:net';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { PipelineError } from '../../src/base/error.ts';
import type { Remote } from '../../src/base/remote.ts';
import { bodyOf, configOf, keyOf, listAll, readAll, seededBytes } from './bodies.ts';
import { CANARY, KEY_FILES, KINDS } from './kinds.ts';
import { listenFor } from './listen.ts';
import { open } from './open.ts';
import { selfSigned } from './self-signed.ts';

const { signal } = new AbortController();
const BYTES = Buffer.from('some bytes');

const keys = mkdtempSync(join(tmpdir(), 'lockstep-keys-'));
after(() => rmSync(keys, { recursive: true }));
for (const [name, text] of Object.entries(KEY_FILES)) writeFileSync(join(keys, name), text);

function openKind(kind: string, origin: string): Promise<Remote> {
  const { url, options } = KINDS[kind]?.(origin) ?? assert.fail();
  const filled = JSON.parse(JSON.stringify(options).replaceAll('${env:CANARY}', CANARY)) as typeof options;
  return open({ ...configOf(url, filled), secrets: [CANARY] }, { root: keys });
}

/** What the first operation of a push says, or of a pull where nothing can be written. */
async function firstFault(kind: string, origin: string): Promise<PipelineError> {
  const remote = await openKind(kind, origin);
  try {
    if (kind === 'http') await remote.head(keyOf(BYTES), signal);
    else await remote.put(keyOf(BYTES), bodyOf(BYTES), signal);
  } catch (error) {
    assert.ok(error instanceof PipelineError, `${kind}: ${String(error)}`);
    return error;
  } finally {
    await remote.close?.();
  }
  return assert.fail(`${kind} took it`);
}

const ALL = Object.keys(KINDS);
const CLOUDS = ALL.filter((kind) => kind !== 'http');

test('a server that does not speak HTTP is told as such', async (t) => {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.write('SSH-2.0-OpenSSH_9.9\r\n');
  });
  const { url } = await listenFor(t, server);
  for (const kind of ALL) {
    const { code, message, problems } = await firstFault(kind, url);
    assert.equal(code, 'remote.unreachable', message);
    assert.match(message, /^remote "test": what answers there does not speak HTTP \(HPE_[A-Z_]+\)$/);
    assert.match(problems[0].hint ?? '', /its port/);
  }
});

test('a server without TLS behind https: is told with what to look at', async (t) => {
  const { port } = await listenFor(
    t,
    createServer((_, response) => void response.end()),
  );
  for (const kind of ALL) {
    const { code, message, problems } = await firstFault(kind, `https://127.0.0.1:${port}`);
    assert.equal(code, 'remote.unreachable', message);
    assert.match(message, /^remote "test": the connection cannot be secured \([A-Z_]+\)$/);
    assert.match(problems[0].hint ?? '', /http: or https:/);
  }
});

test('a certificate that nobody vouches for is told with the variable that names one', async (t) => {
  const { port } = await listenFor(
    t,
    createTlsServer(selfSigned(), (_, response) => void response.end()),
  );
  for (const kind of ALL) {
    const { code, message, problems } = await firstFault(kind, `https://127.0.0.1:${port}`);
    assert.equal(code, 'remote.unreachable', message);
    assert.match(message, /^remote "test": the server's certificate is not trusted \([A-Z_]+\)$/);
    assert.match(problems[0].hint ?? '', /NODE_EXTRA_CA_CERTS/);
  }
});

test('a host that does not exist is named', async () => {
  // Drive's credentials are sent to Google and to this machine alone.
  for (const kind of ALL.filter((name) => name !== 'gdrive')) {
    const { code, message, problems } = await firstFault(kind, 'https://store.invalid');
    assert.equal(code, 'remote.unreachable');
    assert.equal(message, 'remote "test": no host is called "store.invalid"');
    assert.match(problems[0].hint ?? '', /check the name/);
  }
});

const PAGE = '<html><body>Please log in</body></html>';

for (const [what, status, type, body] of [
  ['a login page', 200, 'text/html', PAGE],
  ['a cut document', 200, 'application/xml', '<?xml version="1.0"?><List'],
  ['a cut JSON text', 200, 'application/json', '{"kind":'],
  ['nothing', 204, 'text/plain', ''],
] as const) {
  test(`${what} in place of the service is no success of an upload`, async (t) => {
    const server = createServer((request, response) => {
      request.resume();
      response.writeHead(status, { 'content-type': type });
      response.end(body);
    });
    const { url: origin } = await listenFor(t, server);
    for (const kind of CLOUDS) {
      const { code, exit, message } = await firstFault(kind, origin);
      assert.ok(['remote.unreachable', 'remote.not-found'].includes(code), `${kind}: ${code} ${message}`);
      assert.ok(exit === 1 || kind === 'gdrive', message);
      assert.ok(!message.includes('<'), message);
    }
  });
}

/** What a portal or another service answers to everything, after a token has been given. */
const STRANGE: readonly (readonly [string, number, Readonly<Record<string, string>>, string])[] = [
  ['a login page', 200, { 'content-type': 'text/html' }, PAGE],
  ['a login page from a file', 200, { 'content-type': 'text/html; charset=utf-8', etag: '"1-2"' }, PAGE],
  ['an empty answer', 200, { 'content-type': 'text/plain' }, ''],
  ['an empty document', 200, { 'content-type': 'application/xml' }, ''],
  ['another document', 200, { 'content-type': 'application/xml' }, '<?xml version="1.0"?><other/>'],
  ['what a portal tells of itself', 200, { 'content-type': 'application/captive+json' }, '{"captive":true}'],
];

const TOKEN = '{"access_token":"x","expires_in":3600,"token_type":"Bearer"}';

const CALLS: Readonly<Record<string, (remote: Remote) => Promise<unknown>>> = {
  head: (remote) => remote.head(keyOf(BYTES), signal),
  get: async (remote) => readAll(await remote.get(keyOf(BYTES), signal)),
  put: (remote) => remote.put(keyOf(BYTES), bodyOf(BYTES), signal),
  'put of many bytes': (remote) => remote.put(keyOf(LARGE), bodyOf(LARGE), signal),
  list: (remote) => listAll(remote, 'files/', signal),
};
const LARGE = seededBytes(9 * 1024 * 1024, 1);

for (const [what, status, headers, body] of STRANGE) {
  test(`${what} is neither a success nor an empty listing nor a damaged object`, async (t) => {
    const server = createServer((request, response) => {
      request.resume();
      if (request.url === '/token') {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(TOKEN);
        return;
      }
      response.writeHead(status, { ...headers, 'content-length': body.length });
      response.end(request.method === 'HEAD' ? undefined : body);
    });
    const { url: origin } = await listenFor(t, server);
    for (const kind of CLOUDS)
      for (const [name, call] of Object.entries(CALLS)) {
        // A page has no more to do with an object than its type tells; other bytes are what the object has.
        const isObject = name === 'get' && !body.startsWith('<html') && /^(s3|gcs)$/.test(kind);
        const hasTag = name === 'head' && 'etag' in headers && kind !== 'gcs' && kind !== 'gdrive';
        const remote = await openKind(kind, origin);
        const told = `${kind}: ${name}`;
        if (hasTag) await call(remote);
        else
          await assert.rejects(call(remote), (error: PipelineError) => {
            assert.equal(error.code, isObject ? 'remote.corrupt' : 'remote.unreachable', `${told}: ${error}`);
            return true;
          });
        await remote.close?.();
      }
  });
}

const xml = (text: string): string => `<?xml version="1.0"?>${text}`;

/** A page of a listing that names the one after it, which is itself. */
const CIRCLES: Readonly<Record<string, string>> = {
  s3: xml(
    '<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>a</NextContinuationToken></ListBucketResult>',
  ),
  gcs: '{"kind":"storage#objects","nextPageToken":"a"}',
  'azure key': xml('<EnumerationResults><Blobs></Blobs><NextMarker>a</NextMarker></EnumerationResults>'),
  gdrive: '{"files":[],"nextPageToken":"a","mimeType":"application/vnd.google-apps.folder"}',
};

for (const [kind, page] of Object.entries(CIRCLES)) {
  test(`${kind}: a listing without end is told, not read for ever`, async (t) => {
    const { url: origin } = await listenFor(t, answering(page));
    await assert.rejects(listOf(kind, origin), {
      code: 'remote.unreachable',
      message: 'remote "test": a listing has no end: the server leads back to a page that it has given',
    });
  });
}

test('a listing of S3 that breaks off without saying how it goes on is not taken for the whole', async (t) => {
  const page = xml('<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>');
  const { url: origin } = await listenFor(t, answering(page));
  await assert.rejects(listOf('s3', origin), { code: 'remote.unreachable' });
});

function answering(text: string): Server {
  return createServer(({ url }, response) => {
    const type = text.startsWith('<') ? 'application/xml' : 'application/json';
    response.writeHead(200, { 'content-type': type });
    response.end(url === '/token' ? TOKEN : text);
  });
}

async function listOf(kind: string, origin: string): Promise<readonly string[]> {
  const remote = await openKind(kind, origin);
  try {
    return await listAll(remote, 'files/', signal);
  } finally {
    await remote.close?.();
  }
}

test('a refusal by a page for humans is told by its status, without the page', async (t) => {
  let status = 302;
  const server = createServer((request, response) => {
    request.resume();
    const location = status === 302 && request.url !== '/login' ? { location: '/login' } : {};
    response.writeHead(request.url === '/login' ? 200 : status, { 'content-type': 'text/html', ...location });
    response.end(request.method === 'HEAD' ? undefined : PAGE);
  });
  const { url: origin } = await listenFor(t, server);
  for (const kind of CLOUDS) {
    const { code, message, problems } = await firstFault(kind, origin);
    assert.equal(code, 'remote.unreachable', `${kind}: ${message}`);
    assert.match(problems[0].hint ?? '', /login page/);
  }
  status = 511;
  for (const kind of ALL) {
    const { code, problems } = await firstFault(kind, origin);
    assert.equal(code, 'remote.unreachable', kind);
    assert.match(problems[0].hint ?? '', /login page/);
  }
  for (const [refusal, code] of [
    [403, 'remote.denied'],
    [401, 'remote.credentials'],
    [500, 'remote.unreachable'],
  ] as const) {
    status = refusal;
    for (const kind of ALL) {
      const error = await firstFault(kind, origin);
      assert.equal(error.code, code, `${kind}: ${error.message}`);
      assert.match(
        error.message,
        new RegExp(`^remote "test": the server answered ${refusal}( "[A-Za-z ]+")?$`),
      );
    }
  }
});

test('redirects in a circle are told as such, and asked for once', async (t) => {
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    request.resume();
    response.writeHead(302, { location: request.url }).end();
  });
  const { url: origin } = await listenFor(t, server);
  for (const kind of ALL) {
    requests = 0;
    const { code, message, problems } = await firstFault(kind, origin);
    assert.equal(code, 'remote.unreachable', `${kind}: ${message}`);
    assert.match(problems[0].hint ?? '', /login page/);
    assert.ok(requests <= 22, `${kind}: ${requests}`);
  }
});

test('a wait that is too long to be kept is told', async (t) => {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(429, { 'retry-after': '3600' }).end('slow');
  });
  const { url: origin } = await listenFor(t, server);
  for (const kind of ALL) {
    const { code, message } = await firstFault(kind, origin);
    assert.equal(code, 'remote.quota');
    assert.match(message, /the server answered 429.* and asks to wait 1h 00m$/);
  }
});
