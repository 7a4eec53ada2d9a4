import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { PipelineError } from '../../src/base/error.ts';
import { webFault } from '../../src/remotes/web-fault.ts';
import { chunksOf, within } from '../../src/remotes/web-request.ts';
import { webStream } from '../../src/remotes/web-stream.ts';
import { configOf } from './bodies.ts';

const never = (): Promise<never> => new Promise(() => undefined);

test('a server that does not answer is given up, as something worth another try', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { signal } = new AbortController();
  let stopped: AbortSignal | undefined;
  const call = (both: AbortSignal): Promise<never> => {
    stopped = both;
    return never();
  };
  const done = within(signal, 60_000, call);
  t.mock.timers.tick(59_999);
  assert.equal(stopped?.aborted, false);
  t.mock.timers.tick(1);
  await assert.rejects(done, (error) => {
    const fault = webFault(configOf('https://host/'), error, {});
    assert.ok(fault instanceof PipelineError);
    assert.deepEqual([fault.code, fault.retryable], ['remote.unreachable', true]);
    return true;
  });
  assert.equal(stopped?.aborted, true);
});

test('a slow line is no silent server: what is taken of a body sets the limit anew', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { signal } = new AbortController();
  const chunks: Iterator<unknown>[] = [];
  let stopped: AbortSignal | undefined;
  const done = within(signal, 60_000, (both, renew) => {
    stopped = both;
    chunks.push(chunksOf(Buffer.alloc(200_000), renew));
    return never();
  });
  for (let i = 0; i < 4; i++) {
    t.mock.timers.tick(59_999);
    chunks[0]?.next();
  }
  t.mock.timers.tick(59_999);
  assert.equal(stopped?.aborted, false);
  t.mock.timers.tick(1);
  await assert.rejects(done, { name: 'TimeoutError' });
});

test('an abort ends a call that does not heed it, with its reason', async () => {
  const stop = new AbortController();
  const done = within(stop.signal, 60_000, never);
  stop.abort(new Error('the user said so'));
  await assert.rejects(done, /the user said so/);
  await assert.rejects(
    within(stop.signal, 60_000, async () => assert.fail('it must not begin')),
    /the user said so/,
  );
});

test('an answer that stays out in the middle is given up, after a minute', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { signal } = new AbortController();
  const from = new Readable({ read: () => undefined });
  const faultOf = (error: unknown): unknown => webFault(configOf('https://host/'), error, {});
  const bytes = webStream(from, { signal, faultOf })[Symbol.asyncIterator]();
  from.push('some');
  assert.equal(String((await bytes.next()).value), 'some');
  from.push('more');
  assert.equal(String((await bytes.next()).value), 'more');
  const next = bytes.next();
  await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(59_999);
  assert.equal(from.destroyed, false);
  t.mock.timers.tick(1);
  await assert.rejects(next, (error) => {
    assert.ok(error instanceof PipelineError);
    assert.equal(error.message, 'remote "test": the connection failed (nothing came for 60 s)');
    assert.deepEqual([error.code, error.retryable], ['remote.unreachable', true]);
    return true;
  });
  assert.equal(from.destroyed, true);
});

test('after an answer only the caller ends what it gave', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const stop = new AbortController();
  const both = await within(stop.signal, 60_000, async (signal) => signal);
  t.mock.timers.tick(120_000);
  assert.equal(both.aborted, false);
  stop.abort();
  assert.equal(both.aborted, true);
});
