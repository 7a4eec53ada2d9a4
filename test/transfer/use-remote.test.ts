import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import test from 'node:test';
import { useRemote } from '../../src/transfer/use-remote.ts';
import { createClock, elapsedMs } from '../../src/io/clock.ts';
import { listenFor } from '../remotes/listen.ts';

test('a server that asked once to be left alone is left alone for that long only, though LOCKSTEP_NOW stops the clock', async (t) => {
  let isBusy = true;
  const server = createServer((_, response) => {
    response.writeHead(isBusy ? 429 : 200, { 'retry-after': '60', 'content-length': 0 }).end();
    isBusy = false;
  });
  const { url } = await listenFor(t, server);
  const waits: number[] = [];
  const clock = {
    ...createClock(0),
    sleep: async (ms: number) => {
      waits.push(ms);
      // Some of the time passes.
      const until = elapsedMs() + 2;
      while (elapsedMs() < until);
    },
  };
  const { signal } = new AbortController();
  const at = { file: 'remotes.yaml', line: 1, column: 1, length: 1 };
  await useRemote(
    { name: 'web', url, options: {}, at },
    { root: '/', env: {}, taken: [], clock, signal },
    async (remote) => {
      for (const key of ['a', 'b', 'c']) await remote.head(key, signal);
    },
  );
  const [first = 0, second = 0, third = 0] = waits;
  assert.ok(first > second && second > third && third > 0, String(waits));
});
