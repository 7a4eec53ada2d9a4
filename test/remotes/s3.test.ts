import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hashBytes } from '../../src/base/hash.ts';
import type { Remote } from '../../src/base/remote.ts';
import type { Json } from '../../src/base/types.ts';
import { bodyOf, configOf, keyOf, seededBytes } from './bodies.ts';
import { startFakeS3 } from './fake-s3.ts';
import type { FakeS3 } from './fake-s3.ts';
import { open } from './open.ts';

const { signal } = new AbortController();
const MIB = 1024 * 1024;

const openFake = (
  fake: FakeS3,
  options: Readonly<Record<string, Json>> = {},
  tools: Parameters<typeof open>[1] = {},
): Promise<Remote> =>
  open(
    configOf('s3://bucket/some', {
      endpoint: fake.url,
      access_key_id: 'AKFAKE',
      secret_access_key: 'of-no-use',
      ...options,
    }),
    tools,
  );

test('as many requests as jobs allows have a connection each', async () => {
  await using fake = await startFakeS3();
  const all = Promise.withResolvers<void>();
  fake.hold = () => {
    if (fake.most === 80) all.resolve();
    return all.promise;
  };
  const remote = await openFake(fake, { jobs: 80 });
  const bodies = Array.from({ length: 80 }, (_, i) => seededBytes(100, i));
  await Promise.all(bodies.map((bytes) => remote.put(keyOf(bytes), bodyOf(bytes), signal)));
  assert.equal(fake.objects.size, 80);
  await remote.close?.();
});

/** What was asked for in parts: the query without the names of uploads. */
const partRequests = (fake: FakeS3): readonly string[] =>
  fake.requests.flatMap((request) => {
    const [, method, query] = /^(\w+) [^?]*\?(.*)$/.exec(request) ?? [];
    return query === undefined || query.startsWith('list-type')
      ? []
      : [`${method} ${query.replace(/&?(x-id=\w+|uploadId=[\w-]+)/g, '')}`];
  });

test('an upload whose completion is answered in vain is found to be there, and not sent again', async () => {
  await using fake = await startFakeS3();
  fake.misbehave = ({ method, query, count }) =>
    method === 'POST' && query.has('uploadId') && count === 1 ? 'lost' : undefined;
  const remote = await openFake(fake);
  const bytes = seededBytes(9 * MIB, 1);
  await remote.put(keyOf(bytes), bodyOf(bytes), signal);
  assert.deepEqual([...fake.objects.values()], [bytes]);
  assert.equal(partRequests(fake).filter((request) => request.startsWith('PUT')).length, 2);
  await remote.close?.();
});

test('a part that is refused for a while is waited for, and the others are not sent again', async () => {
  await using fake = await startFakeS3();
  let refusals = 4;
  fake.misbehave = ({ method, query }) =>
    method === 'PUT' && query.get('partNumber') === '2' && refusals-- > 0
      ? { status: 503, code: 'SlowDown', retryAfter: 20 }
      : undefined;
  const waits: number[] = [];
  const clock = { now: () => 0, sleep: async (ms: number) => void waits.push(ms) };
  const remote = await openFake(fake, {}, { clock });
  const bytes = seededBytes(17 * MIB, 1);
  await remote.put(keyOf(bytes), bodyOf(bytes), signal);
  assert.deepEqual([...fake.objects.values()], [bytes]);
  assert.deepEqual(waits, [20_000, 20_000, 20_000, 20_000], 'never sooner than the server wants');
  const parts = partRequests(fake).filter((request) => request.startsWith('PUT'));
  assert.equal(parts.length, 3 + 4);
  await remote.close?.();
});

test('an upload that the server has forgotten is sent again', async () => {
  await using fake = await startFakeS3();
  fake.misbehave = ({ method, query, count }) =>
    method === 'POST' && query.has('uploadId') && count === 1
      ? { status: 404, code: 'NoSuchUpload' }
      : undefined;
  const remote = await openFake(fake);
  const bytes = seededBytes(9 * MIB, 2);
  await remote.put(keyOf(bytes), bodyOf(bytes), signal);
  assert.deepEqual([...fake.objects.values()], [bytes]);
  assert.equal(partRequests(fake).filter((request) => request.startsWith('PUT')).length, 4);
  await remote.close?.();
});

for (const { jobs, most } of [
  { jobs: 1, most: 1 },
  { jobs: 40, most: 12 },
]) {
  test(`of large objects ${most} parts are under way at once with jobs: ${jobs}, and in memory`, async () => {
    await using fake = await startFakeS3();
    const all = Promise.withResolvers<void>();
    fake.hold = () => {
      if (fake.most === most) all.resolve();
      return all.promise;
    };
    const remote = await openFake(fake, { jobs });
    const bodies = Array.from({ length: 5 }, (_, i) => Buffer.alloc(3 * 8 * MIB, i));
    await Promise.all(bodies.map((bytes, i) => remote.put(`runs/${i}`, bodyOf(bytes), signal)));
    for (const [i, bytes] of bodies.entries())
      assert.ok(fake.objects.get(`some/runs/${i}`)?.equals(bytes), String(i));
    assert.equal(fake.most, most);
    await remote.close?.();
  });
}

test('a single large object is sent three parts at a time', async () => {
  await using fake = await startFakeS3();
  const three = Promise.withResolvers<void>();
  fake.hold = () => {
    if (fake.most === 3) three.resolve();
    return three.promise;
  };
  const remote = await openFake(fake);
  const bytes = seededBytes(40 * MIB, 1);
  await remote.put(keyOf(bytes), bodyOf(bytes), signal);
  assert.equal(fake.most, 3);
  await remote.close?.();
});

test('a file of this machine that cannot be read is told as that, not as a bug', async () => {
  await using fake = await startFakeS3();
  const remote = await openFake(fake);
  const bytes = seededBytes(100, 1);
  // It opens, as on a failing disk, and cannot be read then.
  const body = { ...bodyOf(bytes), file: tmpdir(), hash: hashBytes('sha256', bytes) };
  await assert.rejects(remote.put(keyOf(bytes), body, signal), {
    code: 'transfer.changed',
    message: /changed before it was sent: it cannot be read \(EISDIR/,
  });
  assert.equal(fake.objects.size, 0);
  await remote.close?.();
});

test('credentials are looked for once, for small objects and large ones', async (t) => {
  await using fake = await startFakeS3();
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-aws-'));
  const before = process.env['AWS_CONFIG_FILE'];
  t.after(() => {
    if (before === undefined) delete process.env['AWS_CONFIG_FILE'];
    else process.env['AWS_CONFIG_FILE'] = before;
    rmSync(folder, { recursive: true });
  });
  const keys = JSON.stringify({ Version: 1, AccessKeyId: 'AKFAKE', SecretAccessKey: 'of-no-use' });
  const script = join(folder, 'credentials.sh');
  writeFileSync(script, `echo asked >> ${folder}/asked\necho '${keys}'\n`);
  writeFileSync(join(folder, 'config'), `[profile work]\ncredential_process = sh ${script}\n`);
  process.env['AWS_CONFIG_FILE'] = join(folder, 'config');
  const remote = await open(configOf('s3://bucket/some', { endpoint: fake.url, profile: 'work' }));
  for (const size of [100, 9 * MIB]) {
    const bytes = seededBytes(size, size);
    await remote.put(keyOf(bytes), bodyOf(bytes), signal);
  }
  assert.equal(readFileSync(join(folder, 'asked'), 'utf8'), 'asked\n');
  await remote.close?.();
});
