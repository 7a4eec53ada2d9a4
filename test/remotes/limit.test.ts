import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import type { Remote } from '../../src/base/remote.ts';
import { limit } from '../../src/remotes/limit.ts';
import { bodyOf, listAll, readAll } from './bodies.ts';
import { createMemoryRemote } from './memory-remote.ts';

const { signal } = new AbortController();

test('never more requests are under way than allowed, downloads that are still read included', async () => {
  let now = 0;
  let most = 0;
  const begin = (): void => void (most = Math.max(most, ++now));
  const memory = createMemoryRemote(new Map(), 3);
  const counted: Remote = {
    ...memory,
    async head() {
      begin();
      await new Promise((resolve) => setImmediate(resolve));
      now--;
      return { size: 1 };
    },
    async get() {
      begin();
      const stream = Readable.from(['a', 'b']);
      stream.once('close', () => now--);
      return { stream };
    },
  };
  const limited = limit(counted);
  await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      if (i % 2) await limited.head('a', signal);
      else
        for await (const _ of ((await limited.get('a', signal)) as { stream: Readable }).stream)
          await new Promise((resolve) => setImmediate(resolve));
    }),
  );
  assert.equal(most, 3);
  assert.equal(now, 0);
});

test('a download that is given up frees its place', async () => {
  const memory = createMemoryRemote(new Map([['a', Buffer.from('abc')]]), 1);
  const limited = limit(memory);
  const source = await limited.get('a', signal);
  assert.ok('stream' in source);
  source.stream.destroy();
  assert.equal((await readAll(await limited.get('a', signal))).toString(), 'abc');
});

test('a listing holds no place while its reader does something else with the remote', async () => {
  const memory = createMemoryRemote(
    new Map([
      ['a', Buffer.from('abc')],
      ['b', Buffer.from('b')],
    ]),
    1,
  );
  const limited = limit(memory);
  const sizes: (number | undefined)[] = [];
  for await (const { key } of limited.list('', signal)) sizes.push((await limited.head(key, signal))?.size);
  assert.deepEqual(sizes, [3, 1]);
});

test('who waits for a place stops at once when told to, and never begins', async () => {
  const objects = new Map<string, Buffer>();
  const memory = createMemoryRemote(objects, 1);
  const first = Promise.withResolvers<void>();
  const limited = limit({ ...memory, head: () => first.promise.then(() => undefined) });
  const hung = limited.head('first', signal);
  const stop = new AbortController();
  const second = limited.put('second', bodyOf(Buffer.from('2')), stop.signal);
  stop.abort(new Error('stop'));
  await assert.rejects(second, /stop/);
  first.resolve();
  await hung;
  await limited.put('third', bodyOf(Buffer.from('3')), signal);
  assert.deepEqual(await listAll(limited, '', signal), ['third 1']);
});
