import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { networkFault } from '../../src/remotes/network-fault.ts';
import { configOf } from './bodies.ts';
import { listenFor } from './listen.ts';

const SILENCE: readonly (readonly [error: Error, message: string])[] = [
  [new DOMException('no answer within 60 s', 'TimeoutError'), 'no answer within 60 s'],
  [
    Object.assign(
      new Error(
        '@smithy/node-http-handler - the request socket did not establish a connection with the server within the configured timeout of 10000 ms.',
      ),
      { name: 'TimeoutError' },
    ),
    'no connection for 10 s',
  ],
  [Object.assign(new Error('late'), { code: 'ETIMEDOUT' }), 'ETIMEDOUT'],
];

for (const [error, message] of SILENCE) {
  test(`who waited in vain is told for what: ${message}`, () => {
    const { message: told } = networkFault(configOf('s3://bucket'), error) as Error;
    assert.equal(told, `remote "test": the connection failed (${message})`);
  });
}

test("Amazon's SDK says of a server that takes a request and is silent how long it waited", async (t) => {
  const { url } = await listenFor(t, createServer());
  const client = new S3Client({
    endpoint: url,
    region: 'r',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
    requestHandler: { socketTimeout: 20 },
  });
  const asked = client.send(new GetObjectCommand({ Bucket: 'b', Key: 'k' }));
  const error: unknown = await asked.catch((fault: unknown) => fault);
  const { message } = networkFault(configOf('s3://bucket'), error) as Error;
  assert.equal(message, 'remote "test": the connection failed (nothing came for 0.02 s)');
});
