import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { PipelineError } from '../../src/base/error.ts';
import type { Remote, Source } from '../../src/base/remote.ts';
import { createRedactor } from '../../src/base/redact.ts';
import { discreet } from '../../src/remotes/discreet.ts';
import { limit } from '../../src/remotes/limit.ts';
import { retry } from '../../src/remotes/retry.ts';
import { verifyGets } from '../../src/remotes/verify.ts';
import type { RetryNotice } from '../../src/remotes/retry.ts';
import { bodyOf, configOf, keyOf, listAll, readAll, seededBytes } from './bodies.ts';
import { createMemoryRemote } from './memory-remote.ts';

const { signal } = new AbortController();

const busy = (retryAfterMs?: number): PipelineError =>
  new PipelineError('remote.unreachable', 'busy', {
    retryable: true,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });

/** A clock that notes waits instead of waiting. */
function notedWaits(): {
  readonly waits: number[];
  readonly clock: { now(): number; sleep(ms: number): Promise<void> };
} {
  const waits: number[] = [];
  return { waits, clock: { now: () => 0, sleep: async (ms) => void waits.push(ms) } };
}

function failing(
  errors: readonly unknown[],
  overrides: Partial<Remote> = {},
): { remote: Remote; calls: () => number } {
  let calls = 0;
  const memory = createMemoryRemote(new Map([['a', Buffer.from('abc')]]));
  const remote: Remote = {
    ...memory,
    async head(key, signal) {
      const error = errors[calls++];
      if (error !== undefined) throw error;
      return memory.head(key, signal);
    },
    ...overrides,
  };
  return { remote, calls: () => calls };
}

test('waits grow by doubling, from the whole range that chance gives, up to half a minute', async () => {
  const quota = new PipelineError('remote.quota', 'slow down', { retryable: true });
  const { waits, clock } = notedWaits();
  const { remote, calls } = failing(Array.from({ length: 20 }, () => quota));
  await assert.rejects(retry(remote, { clock, random: () => 0.999_999 }).head('a', signal), quota);
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16_000, ...Array.from({ length: 5 }, () => 30_000)]);
  assert.equal(calls(), 12);
  const none = notedWaits();
  const again = failing([quota, quota]);
  assert.deepEqual(await retry(again.remote, { clock: none.clock, random: () => 0 }).head('a', signal), {
    size: 3,
  });
  assert.deepEqual(none.waits, [0, 0]);
});

test('an error that may pass is tried five times in all, and the last one is told', async () => {
  const errors = Array.from(
    { length: 9 },
    (_, i) => new PipelineError('remote.unreachable', `${i}`, { retryable: true }),
  );
  const { clock } = notedWaits();
  const { remote, calls } = failing(errors);
  await assert.rejects(retry(remote, { clock, random: () => 0 }).head('a', signal), { message: '4' });
  assert.equal(calls(), 5);
});

test('an error that stays is not tried again', async () => {
  for (const error of [new PipelineError('remote.denied', 'no'), new TypeError('a bug')]) {
    const { waits, clock } = notedWaits();
    const { remote, calls } = failing([error]);
    await assert.rejects(retry(remote, { clock, random: () => 0 }).head('a', signal), error);
    assert.equal(calls(), 1);
    assert.deepEqual(waits, []);
  }
});

test('no try comes sooner than the server asked, and none at all when it asked for more than five minutes', async () => {
  const { waits, clock } = notedWaits();
  const { remote } = failing([busy(7000), busy(0)]);
  await retry(remote, { clock, random: () => 0.5 }).head('a', signal);
  assert.deepEqual(waits, [7250, 500]);
  const hour = failing([busy(3_600_000)]);
  await assert.rejects(retry(hour.remote, { clock, random: () => 0.5 }).head('a', signal), {
    retryAfterMs: 3_600_000,
  });
});

test('whoever shows progress is told of each wait', async () => {
  const notices: RetryNotice[] = [];
  const { clock } = notedWaits();
  const first = busy();
  const { remote } = failing([first]);
  await retry(remote, { clock, random: () => 0.5, onRetry: (notice) => notices.push(notice) }).head(
    'a',
    signal,
  );
  assert.deepEqual(notices, [{ waitedMs: 0, delayMs: 250, error: first }]);
});

test('a retried upload sends the same bytes from their start', async () => {
  const objects = new Map<string, Buffer>();
  const memory = createMemoryRemote(objects);
  const bytes = seededBytes(300_000, 1);
  let tries = 0;
  const cutting: Remote = {
    ...memory,
    async put(key, body, signal) {
      if (++tries < 3) {
        for await (const _ of body.open()) if (tries > 0) throw busy();
      }
      await memory.put(key, body, signal);
    },
  };
  const { clock } = notedWaits();
  await retry(cutting, { clock, random: () => 0 }).put('a', bodyOf(bytes), signal);
  assert.equal(tries, 3);
  assert.ok(objects.get('a')?.equals(bytes));
});

test('a listing that breaks off begins again and tells each key once, as often as it tells a new one', async () => {
  const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const memory = createMemoryRemote(new Map(keys.map((key) => [key, Buffer.from(key)])));
  let broken = 0;
  const cutting: Remote = {
    ...memory,
    async *list(prefix, signal) {
      let told = 0;
      for await (const entry of memory.list(prefix, signal)) {
        if (told++ === broken + 1) {
          broken++;
          throw busy();
        }
        yield entry;
      }
    },
  };
  const { clock, waits } = notedWaits();
  assert.deepEqual(
    await listAll(retry(cutting, { clock, random: () => 0.5 }), '', signal),
    keys.map((key) => `${key} 1`),
  );
  assert.deepEqual(
    waits,
    Array.from({ length: 6 }, () => 250),
  );
});

test('a listing that never begins is told after five tries', async () => {
  let lists = 0;
  const remote: Remote = {
    ...createMemoryRemote(new Map()),
    // oxlint-disable-next-line require-yield
    async *list() {
      assert.ok(++lists <= 5);
      throw busy();
    },
  };
  const { clock } = notedWaits();
  await assert.rejects(listAll(retry(remote, { clock, random: () => 0 }), '', signal), {
    code: 'remote.unreachable',
  });
  assert.equal(lists, 5);
});

test('an abort ends the waiting, with the reason of the abort', async () => {
  const stop = new AbortController();
  const clock = {
    now: () => 0,
    sleep: async () => {
      stop.abort(new Error('the user said so'));
    },
  };
  const { remote, calls } = failing([busy(), busy()]);
  await assert.rejects(retry(remote, { clock, random: () => 0 }).head('a', stop.signal), /the user said so/);
  assert.equal(calls(), 1);
});

test('a stream that was handed out is not read twice', async () => {
  const memory = createMemoryRemote(new Map());
  let gets = 0;
  async function* half(): AsyncGenerator<Uint8Array, void, undefined> {
    yield Buffer.from('half');
    throw busy();
  }
  const cutting: Remote = {
    ...memory,
    async get() {
      gets++;
      return { stream: Readable.from(half(), { objectMode: false }) };
    },
  };
  const { clock } = notedWaits();
  const source = await retry(cutting, { clock, random: () => 0 }).get('a', signal);
  await assert.rejects(readAll(source), { code: 'remote.unreachable', retryable: true });
  assert.equal(gets, 1);
});

test('when the server asks one operation to slow down, those that begin after it wait too', async () => {
  const quota = new PipelineError('remote.quota', 'slow down', { retryable: true, retryAfterMs: 5000 });
  const { remote } = failing([quota]);
  let now = 0;
  const waits: number[] = [];
  const woken = Promise.withResolvers<void>();
  const clock = {
    now: () => now,
    async sleep(ms: number): Promise<void> {
      waits.push(ms);
      await woken.promise;
    },
  };
  const retried = retry(remote, { clock, random: () => 0 });
  const first = retried.head('a', signal);
  await new Promise((resolve) => setImmediate(resolve));
  now = 2000;
  const second = retried.head('a', signal);
  await new Promise((resolve) => setImmediate(resolve));
  const listing = listAll(retried, '', signal);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(waits, [5000, 3000, 3000]);
  woken.resolve();
  await Promise.all([first, second, listing]);
});

test('an object whose stream breaks off goes on behind what was handed out, and its bytes are the right ones', async () => {
  const bytes = seededBytes(400_000, 3);
  const memory = createMemoryRemote(new Map());
  let gets = 0;
  async function* upTo(end: number, size: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let from = 0; from < end; from += size) yield bytes.subarray(from, Math.min(end, from + size));
    if (end < bytes.length) throw busy();
  }
  // Pieces of other lengths each time, and once a stream that breaks off before it reaches anything new.
  const streams: readonly (readonly [number, number])[] = [
    [100_000, 30_000],
    [40_000, 7000],
    [399_999, 65_536],
    [400_000, 1000],
  ];
  const cutting: Remote = {
    ...memory,
    async get() {
      const [end, size] = streams[gets++] ?? assert.fail();
      return { stream: Readable.from(upTo(end, size), { objectMode: false }) };
    },
  };
  const { clock, waits } = notedWaits();
  const source = await retry(cutting, { clock, random: () => 0.5 }).get(keyOf(bytes), signal);
  assert.ok((await readAll(source)).equals(bytes));
  assert.equal(gets, 4);
  assert.deepEqual(waits, [250, 500, 250]);
});

test('a download that is cut again and again arrives while more of it comes, and asks for what it lacks', async () => {
  const bytes = seededBytes(400_000, 3);
  const memory = createMemoryRemote(new Map([[keyOf(bytes), bytes]]));
  const asked: number[] = [];
  async function* cut(source: Source): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of 'stream' in source ? source.stream : []) {
      yield chunk as Uint8Array;
      if ((chunk as Uint8Array).length > 1) throw busy();
    }
  }
  const cutting: Remote = {
    ...memory,
    async get(key, signal, from = 0) {
      asked.push(from);
      const source = await memory.get(key, signal, from);
      return { stream: Readable.from(cut(source), { objectMode: false }), from };
    },
  };
  const { clock, waits } = notedWaits();
  const source = await retry(cutting, { clock, random: () => 0.5 }).get(keyOf(bytes), signal);
  // The last cut comes behind the last byte.
  assert.ok((await readAll(source)).equals(bytes));
  assert.deepEqual(asked, [0, 65_535, 131_070, 196_605, 262_140, 327_675, 393_210, 399_999]);
  assert.deepEqual(waits, [250, 250, 250, 250, 250, 250, 250]);
});

test('an object whose stream always breaks off is told after five tries, whether any of it came or not', async () => {
  for (const came of ['', 'a']) {
    const asked: (number | undefined)[] = [];
    async function* broken(): AsyncGenerator<Uint8Array, void, undefined> {
      if (came !== '') yield Buffer.from(came);
      throw busy();
    }
    const cutting: Remote = {
      ...createMemoryRemote(new Map()),
      async get(_, __, from) {
        asked.push(from);
        return { stream: Readable.from(broken(), { objectMode: false }) };
      },
    };
    const { clock } = notedWaits();
    const source = await retry(cutting, { clock, random: () => 0 }).get(keyOf(Buffer.from('x')), signal);
    await assert.rejects(readAll(source), { code: 'remote.unreachable' });
    assert.deepEqual(asked, [undefined, 0, 0, 0, 0]);
  }
});

test('a download that nobody reads is closed all the way down', async () => {
  const bytes = seededBytes(1000, 5);
  let inner: Readable | undefined;
  const memory: Remote = {
    ...createMemoryRemote(new Map(), 1),
    async get() {
      inner = Readable.from([bytes], { objectMode: false });
      return { stream: inner };
    },
  };
  const { clock } = notedWaits();
  const config = configOf('memory:');
  const remote = verifyGets(
    retry(limit(discreet(memory, createRedactor([]))), { clock, random: () => 0 }),
    config,
  );
  for (let i = 0; i < 3; i++) {
    const source = await remote.get(keyOf(bytes), signal);
    assert.ok('stream' in source);
    source.stream.destroy();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(inner?.destroyed, true);
  }
});
