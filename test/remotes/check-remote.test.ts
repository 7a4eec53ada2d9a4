import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { PipelineError } from '../../src/base/error.ts';
import type { Remote } from '../../src/base/remote.ts';
import { checkRemote } from '../../src/transfer/check-remote.ts';
import type { StepResult } from '../../src/transfer/check-remote.ts';
import type { Clock } from '../../src/io/clock.ts';
import { clockAhead } from '../../src/remotes/server-clock.ts';
import { configOf } from './bodies.ts';
import { startFakeS3 } from './fake-s3.ts';
import type { S3Request } from './fake-s3.ts';
import { createMemoryRemote } from './memory-remote.ts';
import { open } from './open.ts';

const never = new Promise<never>(() => undefined);

interface HandClock extends Clock {
  /** Ends the waits that have begun. */
  end(): void;
}

/** A clock whose waits end when the test says so. */
function createHandClock(): HandClock {
  const waits = new Set<() => void>();
  return {
    now: () => 0,
    sleep: (_, signal) =>
      new Promise((resolve, reject) => {
        waits.add(resolve);
        signal?.addEventListener('abort', () => {
          waits.delete(resolve);
          reject(signal.reason);
        });
      }),
    end() {
      for (const end of waits) end();
      waits.clear();
    },
  };
}

async function check(remote: Remote, clock = createHandClock()): Promise<readonly StepResult[]> {
  const steps: StepResult[] = [];
  const isGood = await checkRemote({
    config: configOf('/nowhere'),
    open: (act) => act(remote),
    tell: (result) => void steps.push(result),
    clock,
    limitMs: 10_000,
    signal: new AbortController().signal,
  });
  assert.equal(
    isGood,
    steps.every(({ status }) => status === 'ok'),
  );
  return steps;
}

test('a remote that stops answering fails the step it is at, and the check ends', async () => {
  const clock = createHandClock();
  const objects = new Map<string, Buffer>();
  const remote = createMemoryRemote(objects);
  const steps = await check(
    {
      ...remote,
      get: () => {
        clock.end();
        return never;
      },
    },
    clock,
  );
  assert.deepEqual(steps.map(({ step, status, message }) => [step, status, message]).slice(3), [
    ['get', 'fail', 'no answer within 10 s'],
  ]);
  assert.equal(objects.size, 0, 'nothing is left there');
});

/** The step of a check that makes a request. */
const stepOf = ({ method, key }: S3Request): string =>
  method === 'GET'
    ? key === ''
      ? 'list'
      : 'get'
    : ({ PUT: 'put', HEAD: 'head', DELETE: 'remove' }[method] ?? '');

for (const [index, step] of ['put', 'head', 'get', 'list', 'remove'].entries()) {
  test(`a server that hangs from "${step}" on is left alone when the time is up, and so is removing`, async () => {
    await using fake = await startFakeS3();
    const clock = createHandClock();
    const hung: string[] = [];
    let count = 0;
    fake.misbehave = (request) => {
      if (count++ < index) return undefined;
      hung.push(stepOf(request));
      clock.end();
      return 'hang';
    };
    const keys = { access_key_id: 'AKFAKE', secret_access_key: 'of-no-use' };
    // With one request at a time, removing has to wait for the place of what hangs.
    const remote = await open(configOf('s3://bucket/some', { endpoint: fake.url, ...keys, jobs: 1 }));
    const steps = await check(remote, clock);
    assert.deepEqual(steps.at(-1)?.step, step);
    assert.deepEqual(steps.at(-1)?.message, 'no answer within 10 s');
    assert.deepEqual(hung, [step, 'remove']);
    await remote.close?.();
  });
}

test('an object that is written but not listed, not found, or still there when it was removed, is found out', async () => {
  const remote = createMemoryRemote(new Map());
  const steps = await check({
    ...remote,
    async *list() {
      yield { key: 'check/of-another', size: 1 };
    },
    remove: async () => undefined,
  });
  const failed = steps.filter(({ status }) => status === 'fail');
  assert.deepEqual(
    failed.map(({ step }) => step),
    ['list', 'remove'],
  );
  const lost = await check({ ...createMemoryRemote(new Map()), head: async () => undefined });
  assert.deepEqual(
    lost.filter(({ status }) => status === 'fail').map(({ step }) => step),
    ['head'],
  );
});

test('a folder whose file cannot be read fails that step with its own error, and the others are tried', async () => {
  const remote = createMemoryRemote(new Map());
  const faultOf = (): PipelineError =>
    new PipelineError('remote.denied', 'may not be read', { hint: 'allow it' });
  const steps = await check({ ...remote, get: async () => ({ file: tmpdir(), faultOf }) });
  const failed = steps.filter(({ status }) => status === 'fail');
  assert.deepEqual(
    failed.slice(0, 1).map(({ step, message, cure }) => [step, message, cure]),
    [['get', 'may not be read', 'allow it']],
  );
  assert.deepEqual(steps.map(({ step }) => step).slice(3), ['get', 'list', 'remove', 'clock']);
});

test('a clock is ahead or behind by the least that its reading allows', () => {
  // Asked from 10.0 s to 10.5 s; the server's clock counts whole seconds.
  const asked = { stepMs: 1000, fromMs: 10_000, toMs: 10_500 };
  for (const [serverMs, ahead] of [
    [10_000, 0],
    [9000, 0],
    [8000, -1000],
    [11_000, 500],
    [70_000, 59_500],
  ] as const)
    assert.equal(clockAhead({ ...asked, serverMs }), ahead, String(serverMs));
});
