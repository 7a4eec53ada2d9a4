import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OpenRemote } from '../../src/base/remote.ts';
import openAzure from '../../src/remotes/azure.ts';
import openGcs from '../../src/remotes/gcs.ts';
import openS3 from '../../src/remotes/s3.ts';
import { bodyOf, configOf, hashAll, keyOf, listAll, seededBytes } from './bodies.ts';
import { azurePlace, gcsPlace, s3Place } from './cloud-places.ts';
import type { CloudPlace } from './cloud-places.ts';
import { remoteContract } from './contract.ts';
import { startCuttingProxy } from './cutting-proxy.ts';
import { open, openRaw } from './open.ts';

const { signal } = new AbortController();
const MIB = 1024 * 1024;

const CLOUDS: readonly (readonly [string, CloudPlace, OpenRemote])[] = [
  ['s3', s3Place(), openS3],
  ['gcs', gcsPlace(), openGcs],
  ['azure', azurePlace(), openAzure],
];

for (const [name, place, kind] of CLOUDS) {
  remoteContract(name, {
    skip: place.skip,
    async place() {
      const config = await place.create();
      return { open: () => open(config), openRaw: () => openRaw(kind, config) };
    },
  });

  const skip = place.skip ?? false;

  for (const size of [2 * MIB, 20 * MIB]) {
    test(
      `an upload of ${size / MIB} MiB to ${name} that is cut arrives whole by another try`,
      { skip },
      async () => {
        await using proxy = await startCuttingProxy(place.endpoint, { afterBytes: MIB, times: 2 });
        const config = await place.create(proxy.url);
        const remote = await open(config);
        const bytes = seededBytes(size, 53);
        await remote.put(keyOf(bytes), bodyOf(bytes), signal);
        assert.deepEqual(await remote.head(keyOf(bytes), signal), { size });
        assert.equal((await hashAll(await remote.get(keyOf(bytes), signal))).size, size);
        assert.equal(proxy.cuts(), 2);
        await remote.close?.();
      },
    );
  }

  test(`a bucket that does not exist is told by every operation on ${name}`, { skip }, async () => {
    const { url, options } = await place.create();
    const remote = await open(configOf(url.replace('test-', 'none-'), options));
    const told = { code: 'remote.not-found', exit: 2 };
    await assert.rejects(remote.head('a', signal), told);
    await assert.rejects(remote.get('a', signal), told);
    await assert.rejects(remote.put('a', bodyOf(Buffer.from('x')), signal), told);
    await assert.rejects(listAll(remote, '', signal), told);
    await remote.close?.();
  });
}

test(
  'an upload to s3 that is stopped leaves no parts to pay for',
  { skip: s3Place().skip ?? false },
  async () => {
    const config = await s3Place().create();
    const remote = await open(config);
    const stop = new AbortController();
    const bytes = seededBytes(30 * MIB, 59);
    async function* half(): AsyncGenerator<Uint8Array, void, undefined> {
      for (let from = 0; from < bytes.length; from += MIB) {
        if (from > 20 * MIB) stop.abort(new Error('stop'));
        yield bytes.subarray(from, from + MIB);
      }
    }
    const { Readable } = await import('node:stream');
    const body = { size: bytes.length, open: () => Readable.from(half(), { objectMode: false }) };
    await assert.rejects(remote.put(keyOf(bytes), body, stop.signal), /stop/);
    const { ListMultipartUploadsCommand, S3Client } = await import('@aws-sdk/client-s3');
    const {
      access_key_id: accessKeyId,
      secret_access_key: secretAccessKey,
      endpoint,
    } = config.options as Record<string, string>;
    const client = new S3Client({
      endpoint: endpoint ?? '',
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: accessKeyId ?? '', secretAccessKey: secretAccessKey ?? '' },
    });
    const Bucket = /^s3:\/\/([^/]+)/.exec(config.url)?.[1];
    const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
    assert.deepEqual(Uploads ?? [], []);
    client.destroy();
    await remote.close?.();
  },
);
