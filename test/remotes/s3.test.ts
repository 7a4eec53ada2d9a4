import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Remote } from '../../src/base/remote.ts';
import type { Json } from '../../src/base/types.ts';
import { bodyOf, configOf, keyOf, seededBytes } from './bodies.ts';
import { startFakeS3 } from './fake-s3.ts';
import type { FakeS3 } from './fake-s3.ts';
import { open } from './open.ts';

const { signal } = new AbortController();

const openFake = (fake: FakeS3, options: Readonly<Record<string, Json>> = {}): Promise<Remote> =>
  open(
    configOf('s3://bucket/some', {
      endpoint: fake.url,
      access_key_id: 'AKFAKE',
      secret_access_key: 'of-no-use',
      ...options,
    }),
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
