import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { PipelineError } from '../../src/base/error.ts';
import type { Remote } from '../../src/base/remote.ts';
import { verifyPuts } from '../../src/remotes/verify.ts';
import { bodyOf, keyOf, piecesOf, seededBytes } from './bodies.ts';
import { createMemoryRemote } from './memory-remote.ts';

const { signal } = new AbortController();
const bytes = seededBytes(300_000, 61);

test('an upload that fails by itself is not told as a changed source, however its body is closed', async () => {
  const refused = new PipelineError('remote.unreachable', 'cut', { retryable: true });
  const giveUp: readonly ((stream: Readable) => void)[] = [
    (stream) => void stream.destroy(),
    (stream) => void stream.destroy(new Error('the SDK destroys it with its own error')),
    () => undefined,
  ];
  for (const close of giveUp) {
    const remote: Remote = {
      ...createMemoryRemote(new Map()),
      async put(_, body) {
        const stream = body.open();
        for await (const _ of stream.iterator({ destroyOnReturn: false })) break;
        stream.on('error', () => undefined);
        close(stream);
        await new Promise((resolve) => setImmediate(resolve));
        throw refused;
      },
    };
    await assert.rejects(verifyPuts(remote).put(keyOf(bytes), bodyOf(bytes), signal), refused);
  }
});

test('a source that cannot be read is told as such, not as whatever the SDK made of it', async () => {
  const remote: Remote = {
    ...createMemoryRemote(new Map()),
    async put(_, body) {
      try {
        for await (const _ of body.open()) void _;
      } catch {
        throw new Error('something in the SDK went wrong');
      }
    },
  };
  async function* broken(): AsyncGenerator<Uint8Array, void, undefined> {
    yield bytes.subarray(0, 1000);
    throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
  }
  const body = {
    size: bytes.length,
    file: '/data/x',
    open: () => Readable.from(broken(), { objectMode: false }),
  };
  await assert.rejects(verifyPuts(remote).put(keyOf(bytes), body, signal), {
    code: 'transfer.changed',
    message: '"/data/x" changed before it was sent: it cannot be read (EIO: i/o error)',
  });
  const known = new PipelineError('object.missing', 'it went away');
  const open = (): Readable => new Readable({ read: (): void => void 0 }).destroy(known);
  await assert.rejects(verifyPuts(remote).put(keyOf(bytes), { ...body, open }, signal), known);
});

test('a directory manifest is checked against the hash before ".dir"', async () => {
  const objects = new Map<string, Buffer>();
  const remote = verifyPuts(createMemoryRemote(objects));
  await remote.put(`${keyOf(bytes)}.dir`, bodyOf(bytes), signal);
  assert.ok(objects.get(`${keyOf(bytes)}.dir`)?.equals(bytes));
  const other = Buffer.from(bytes).fill(1, 0, 1);
  await assert.rejects(remote.put(`${keyOf(bytes)}.dir`, bodyOf(other), signal), {
    code: 'transfer.changed',
  });
});

test('keys that are no object are checked against the hash of their body, when it has one', async () => {
  const remote = verifyPuts(createMemoryRemote(new Map()));
  const hash = `sha256:${keyOf(bytes).slice('files/sha256/'.length).replace('/', '')}` as const;
  await remote.put('runs/a', { ...bodyOf(bytes), hash }, signal);
  const other = Buffer.from(bytes).fill(1, 0, 1);
  await assert.rejects(remote.put('runs/a', { ...bodyOf(other), hash }, signal), {
    code: 'transfer.changed',
  });
});

test('of wrong bytes the last piece is never given, whatever ends the stream; of none there is none to give', async () => {
  const given: Uint8Array[] = [];
  const remote: Remote = {
    ...createMemoryRemote(new Map()),
    async put(_, body) {
      assert.equal(body.hash, `sha256:${keyOf(bytes).slice('files/sha256/'.length).replace('/', '')}`);
      for await (const piece of body.open() as AsyncIterable<Uint8Array>) given.push(piece);
    },
  };
  for (const pieces of [[Buffer.from('a'), Buffer.from('b'), Buffer.alloc(0)], []])
    await assert.rejects(
      verifyPuts(remote).put(
        keyOf(bytes),
        { size: Buffer.concat(pieces).length, open: () => Readable.from(pieces) },
        signal,
      ),
      { code: 'transfer.changed', message: /its bytes hash to sha256:/ },
    );
  assert.deepEqual(String(Buffer.concat(given)), 'a');
});

test('a body of which nothing but the size is known is held to that', async () => {
  const remote = verifyPuts(createMemoryRemote(new Map()));
  for (const [size, what] of [
    [299_999, 'it has more than 299999 bytes'],
    [300_001, 'it has 300000 bytes, not 300001'],
  ] as const)
    await assert.rejects(remote.put('runs/a', { ...bodyOf(bytes), size }, signal), {
      code: 'transfer.changed',
      message: `"runs/a" changed before it was sent: ${what}`,
    });
});

test('only the last reading of a source says why an upload failed, and an abort says more than any', async () => {
  const refused = new PipelineError('remote.denied', 'no');
  const stop = new AbortController();
  let opened = 0;
  const open = (): Readable => Readable.from([opened++ === 0 ? Buffer.from('other') : bytes]);
  const remote: Remote = {
    ...createMemoryRemote(new Map()),
    async put(key, body) {
      await assert.rejects(body.open().toArray(), { code: 'transfer.changed' });
      if (key === 'aborted') stop.abort(new Error('the user said so'));
      else await body.open().toArray();
      throw refused;
    },
  };
  const body = { size: bytes.length, open };
  await assert.rejects(verifyPuts(remote).put('refused', body, stop.signal), refused);
  opened = 0;
  await assert.rejects(verifyPuts(remote).put('aborted', body, stop.signal), /the user said so/);
});

test('the source is closed when an upload gives up', async () => {
  let closed = false;
  async function* watched(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* piecesOf(bytes);
    } finally {
      closed = true;
    }
  }
  const remote: Remote = {
    ...createMemoryRemote(new Map()),
    async put(_, body) {
      for await (const _ of body.open()) break;
      throw new PipelineError('remote.denied', 'no');
    },
  };
  const body = { size: bytes.length, open: () => Readable.from(watched(), { objectMode: false }) };
  await assert.rejects(verifyPuts(remote).put(keyOf(bytes), body, signal), {
    code: 'remote.denied',
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(closed);
});
