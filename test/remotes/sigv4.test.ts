import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256Hex } from '../../src/base/hash.ts';
import { createSigner } from '../../src/remotes/sigv4.ts';

// The examples of "Authenticating Requests: Using the Authorization Header", Amazon S3 API Reference.
const CREDENTIALS = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const HOST = 'examplebucket.s3.amazonaws.com';
const SIGNING = { credentials: CREDENTIALS, region: 'us-east-1', nowMs: Date.UTC(2013, 4, 24) };

test('a download is signed as in Amazon’s example', () => {
  const request = {
    method: 'GET',
    path: '/test.txt',
    headers: { host: HOST, range: 'bytes=0-9' },
    payloadHash: sha256Hex(''),
  };
  assert.deepEqual(createSigner()(request, SIGNING), {
    'x-amz-content-sha256': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    'x-amz-date': '20130524T000000Z',
    authorization:
      'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  });
});

test('an upload is signed as in Amazon’s example, whatever the signer signed before', () => {
  const sign = createSigner();
  const request = {
    method: 'PUT',
    path: '/test%24file.text',
    headers: {
      host: HOST,
      date: 'Fri, 24 May 2013 00:00:00 GMT',
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
    },
    payloadHash: sha256Hex('Welcome to Amazon S3.'),
  };
  sign(request, { ...SIGNING, nowMs: SIGNING.nowMs - 1 });
  sign(request, { ...SIGNING, region: 'eu-central-1' });
  assert.match(
    sign(request, SIGNING)['authorization'] ?? '',
    /SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd$/,
  );
});

test('the token of a session is signed too', () => {
  const credentials = { ...CREDENTIALS, sessionToken: 'a/token=' };
  const headers = createSigner()(
    { method: 'GET', path: '/a', headers: { host: HOST }, payloadHash: sha256Hex('') },
    { ...SIGNING, credentials },
  );
  assert.equal(headers['x-amz-security-token'], 'a/token=');
  assert.match(
    headers['authorization'] ?? '',
    /SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,/,
  );
});
