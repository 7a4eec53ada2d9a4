import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { PipelineError } from '../../src/base/error.ts';
import type { Remote } from '../../src/base/remote.ts';
import type { OpenRemoteOptions } from '../../src/remotes/index.ts';
import { bodyOf, configOf, keyOf, seededBytes } from './bodies.ts';
import { rig } from './drive-rig.ts';
import type { Refusal } from './fake-drive.ts';
import { createFakeUploads } from './fake-uploads.ts';
import type { UploadHostility } from './fake-uploads.ts';
import { listenFor } from './listen.ts';
import { open } from './open.ts';

const { signal } = new AbortController();
const MIB = 1024 * 1024;
/** Three pieces, the last one short. */
const BYTES = seededBytes(17 * MIB, 61);

interface Place {
  /** What happens to the pieces, by the number of the PUT from 1. */
  refuse: (count: number) => Refusal | undefined;
  readonly hostility: UploadHostility;
  readonly pieces: readonly string[];
  readonly now: () => number;
  readonly stored: () => Buffer | undefined;
  open(options?: Partial<OpenRemoteOptions>): Promise<Remote>;
}

interface Bucket extends Place {
  /** Goes around what is done with each PUT. */
  during: (answer: () => Promise<void>) => Promise<void>;
}

/** A bucket that knows uploads alone. */
async function gcsPlace(t: TestContext): Promise<Bucket> {
  let stored: Buffer | undefined;
  let now = 1_700_000_000_000;
  let puts = 0;
  const hostility: UploadHostility = {};
  const uploads = createFakeUploads(hostility, ({ bytes }) => {
    stored = bytes;
    return {
      name: 'it',
      size: String(bytes.length),
      md5Hash: createHash('md5').update(bytes).digest('base64'),
    };
  });
  const server = createServer((request, response) => {
    if (request.method === 'PUT') void place.during(() => answer(request, response));
    else void answer(request, response);
  });
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://fake');
    const refusal = request.method === 'PUT' ? place.refuse(++puts) : undefined;
    if (!refusal && uploads.knows(pathname)) return uploads.receive(pathname, request, response);
    await buffer(request);
    if (refusal || searchParams.get('uploadType') !== 'resumable') {
      const { status, reason, headers } = refusal ?? { status: 501 };
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      return void response.end(
        JSON.stringify({ error: { code: status, message: '', errors: [{ reason }] } }),
      );
    }
    const path = uploads.begin({}, undefined, Number(request.headers['x-upload-content-length']));
    response.writeHead(200, { location: `http://${request.headers.host}${path}` }).end();
  }
  const { url: endpoint } = await listenFor(t, server);
  const clock = { now: () => now, sleep: async (ms: number) => void (now += ms) };
  const place: Bucket = {
    refuse: () => undefined,
    during: (give) => give(),
    hostility,
    pieces: uploads.pieces,
    now: () => now,
    stored: () => stored,
    open: (options) =>
      open(configOf('gs://bucket/some', { endpoint, project: 'test' }), {
        clock,
        random: () => 0.5,
        ...options,
      }),
  };
  return place;
}

test('gcs: of many large uploads so many pieces are under way that they fit into memory', async (t) => {
  const place = await gcsPlace(t);
  // Pieces of 8 MiB, of 96 MiB in all.
  const most = 12;
  const gathered = Promise.withResolvers<void>();
  let underWay = 0;
  let seen = 0;
  place.during = async (answer) => {
    seen = Math.max(seen, ++underWay);
    if (underWay === most) gathered.resolve();
    await gathered.promise;
    await answer();
    underWay--;
  };
  const remote = await place.open();
  const bodies = Array.from({ length: most + 1 }, (_, index) => seededBytes(9 * MIB, 70 + index));
  await Promise.all(bodies.map((bytes) => remote.put(keyOf(bytes), bodyOf(bytes), signal)));
  assert.equal(place.pieces.length, 2 * bodies.length);
  assert.equal(seen, most);
});

async function drivePlace(t: TestContext): Promise<Place> {
  const { fake, config } = await rig(t);
  let puts = 0;
  const place: Place = {
    refuse: () => undefined,
    hostility: fake.hostility,
    pieces: fake.pieces,
    now: () => fake.clock.now(),
    stored: () => [...fake.files.values()].find(({ bytes }) => bytes.length > 0)?.bytes,
    open: (options) => open(config, { clock: fake.clock, random: () => 0.5, ...options }),
  };
  fake.hostility.refuse = ({ method }) => (method === 'PUT' ? place.refuse(++puts) : undefined);
  return place;
}

/** `session first-last` of pieces of 8 MiB, as they have to come. */
const piecesOf = (session: number): readonly string[] =>
  [0, 8, 16].map((from) => {
    const last = Math.min(from + 8, 17) * MIB - 1;
    return `/session/${session} ${from * MIB}-${last}`;
  });

for (const [kind, makePlace] of [
  ['gdrive', drivePlace],
  ['gcs', gcsPlace],
] as const) {
  const push = async (place: Place, options?: Partial<OpenRemoteOptions>): Promise<void> => {
    const remote = await place.open(options);
    await remote.put(keyOf(BYTES), bodyOf(BYTES), signal);
    assert.ok(place.stored()?.equals(BYTES));
  };

  test(`${kind}: a piece that is refused for going too fast is waited for, and its upload goes on`, async (t) => {
    for (const refusal of [
      { status: 429, reason: 'rateLimitExceeded', headers: { 'retry-after': '17' } },
      { status: 403, reason: 'userRateLimitExceeded', headers: { 'retry-after': '17' } },
      { status: 503, reason: 'backendError', headers: { 'retry-after': '17' } },
    ]) {
      const place = await makePlace(t);
      // The second piece, and then the question how far it came.
      place.refuse = (count) => (count === 2 || count === 3 ? refusal : undefined);
      const began = place.now();
      const waits: number[] = [];
      await push(place, { onRetry: ({ delayMs }) => waits.push(delayMs) });
      assert.deepEqual(place.pieces, piecesOf(1), 'no session but the first, and no byte again');
      assert.deepEqual(waits, [17_250, 17_500]);
      assert.equal(place.now() - began, 34_750);
    }
  });

  test(`${kind}: each piece has tries of its own, as many as an operation has`, async (t) => {
    const place = await makePlace(t);
    // Of each piece: it fails, is asked for, fails again, is asked for, and comes.
    place.refuse = (count) =>
      [1, 3].includes(count % 5) ? { status: 500, reason: 'backendError' } : undefined;
    await push(place);
    assert.deepEqual(place.pieces, piecesOf(1));
  });

  test(`${kind}: a session that is gone is followed by another one, from the first byte`, async (t) => {
    for (const status of [404, 410]) {
      const place = await makePlace(t);
      place.refuse = (count) => (count === 3 ? { status, reason: 'notFound' } : undefined);
      await push(place);
      assert.deepEqual(place.pieces, [...piecesOf(1).slice(0, 2), ...piecesOf(2)]);
    }
  });

  test(`${kind}: sessions that are gone again and again end the upload, and the bucket is not blamed`, async (t) => {
    const place = await makePlace(t);
    place.refuse = () => ({ status: 404, reason: 'notFound' });
    const remote = await place.open();
    await assert.rejects(remote.put(keyOf(BYTES), bodyOf(BYTES), signal), {
      code: 'remote.unreachable',
      message: 'remote "test": the server gave up an upload that was under way',
    });
  });

  test(`${kind}: a refusal that stays ends the upload at once`, async (t) => {
    const place = await makePlace(t);
    place.refuse = (count) => (count === 2 ? { status: 403, reason: 'forbidden' } : undefined);
    const remote = await place.open();
    await assert.rejects(remote.put(keyOf(BYTES), bodyOf(BYTES), signal), { code: 'remote.denied' });
    assert.deepEqual(place.pieces, piecesOf(1).slice(0, 1));
  });

  test(`${kind}: pieces that are cut and answers that are lost send again only what is missing`, async (t) => {
    const place = await makePlace(t);
    Object.assign(place.hostility, { cuts: 2, lostAnswers: 1 });
    await push(place);
    assert.deepEqual(place.pieces, [
      `/session/1 0-${8 * MIB - 1}`,
      `/session/1 ${4 * MIB}-${8 * MIB - 1}`,
      `/session/1 ${6 * MIB}-${8 * MIB - 1}`,
      ...piecesOf(1).slice(1),
    ]);
  });

  test(`${kind}: a piece that is not kept is sent again, but a session that forgot what it had is left`, async (t) => {
    const ignoring = await makePlace(t);
    ignoring.hostility.ignored = 2;
    await push(ignoring);
    const [first = ''] = piecesOf(1);
    assert.deepEqual(ignoring.pieces, [first, first, ...piecesOf(1)]);

    const forgetful = await makePlace(t);
    forgetful.hostility.forgotten = 1;
    forgetful.refuse = (count) => (count === 3 ? { status: 503, reason: 'backendError' } : undefined);
    await push(forgetful);
    assert.deepEqual(forgetful.pieces, [...piecesOf(1).slice(0, 2), ...piecesOf(2)]);
  });
}

test('what has not begun waits too while a piece has to wait', async (t) => {
  const place = await drivePlace(t);
  place.refuse = (count) => (count === 2 ? { status: 429, reason: 'rateLimitExceeded' } : undefined);
  const gate = Promise.withResolvers<void>();
  const [first, second] = [Promise.withResolvers<number>(), Promise.withResolvers<number>()];
  const waits = [first, second];
  const sleep = (ms: number): Promise<void> => {
    waits.shift()?.resolve(ms);
    return gate.promise;
  };
  const remote = await place.open({ clock: { now: () => place.now(), sleep } });
  const put = remote.put(keyOf(BYTES), bodyOf(BYTES), signal);
  assert.equal(await first.promise, 250);
  const head = remote.head('other', signal);
  void head.then(() => second.resolve(0));
  assert.equal(await second.promise, 250);
  gate.resolve();
  assert.equal(await head, undefined);
  await put;
});

test('no wait tells what the server repeats of a token', async (t) => {
  const place = await drivePlace(t);
  const message = 'you sent access-canary';
  place.refuse = (count) => (count === 2 ? { status: 503, reason: 'backendError', message } : undefined);
  const told: PipelineError[] = [];
  const remote = await place.open({ onRetry: ({ error }) => told.push(error) });
  await remote.put(keyOf(BYTES), bodyOf(BYTES), signal);
  assert.deepEqual(
    told.map((error) => [error.message, error.cause]),
    [['remote "test": the server answered 503 backendError "you sent ***"', undefined]],
  );
});
