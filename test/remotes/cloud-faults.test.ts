import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { PipelineError } from '../../src/base/error.ts';
import type { OpenRemote, RemoteConfig } from '../../src/base/remote.ts';
import openAzure from '../../src/remotes/azure.ts';
import openGcs from '../../src/remotes/gcs.ts';
import openS3 from '../../src/remotes/s3.ts';
import { bodyOf, configOf, listAll } from './bodies.ts';
import { listenFor } from './listen.ts';
import { open, openRaw } from './open.ts';

const { signal } = new AbortController();
const SECRET = 'canary/Secret+Key0123456789==';

type Service = 's3' | 'azure' | 'gcs';

interface Refusing {
  readonly url: string;
  /** Requests so far. */
  readonly count: () => number;
}

/** A server that refuses every request in a service's own words. */
async function startRefusing(
  t: TestContext,
  service: Service,
  { status, code }: { readonly status: number; readonly code: string },
): Promise<Refusing> {
  let count = 0;
  const server = createServer((request, response) => {
    count++;
    request.resume();
    const isJson = service === 'gcs';
    const type = isJson ? 'application/json' : 'application/xml';
    response.writeHead(status, { 'content-type': type, 'x-ms-error-code': code });
    response.end(
      isJson
        ? JSON.stringify({
            error: { code: status, message: 'no', errors: [{ reason: code, message: 'no' }] },
          })
        : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`,
    );
  });
  const { url } = await listenFor(t, server);
  return { url, count: () => count };
}

/** service, status, its word, our code, worth another try */
const TABLE: readonly (readonly [Service, number, string, string, boolean])[] = [
  ['s3', 404, 'NoSuchBucket', 'remote.not-found', false],
  ['s3', 403, 'AccessDenied', 'remote.denied', false],
  ['s3', 403, 'InvalidAccessKeyId', 'remote.credentials', false],
  ['s3', 403, 'SignatureDoesNotMatch', 'remote.credentials', false],
  ['s3', 400, 'ExpiredToken', 'remote.credentials', false],
  ['s3', 404, 'XAdminUserNotFound', 'remote.credentials', false],
  ['s3', 403, 'RequestTimeTooSkewed', 'remote.clock', false],
  ['s3', 400, 'AuthorizationHeaderMalformed', 'remote.option', false],
  ['s3', 301, 'PermanentRedirect', 'remote.option', false],
  ['s3', 503, 'SlowDown', 'remote.quota', true],
  ['s3', 500, 'InternalError', 'remote.unreachable', true],
  ['s3', 503, 'ServiceUnavailable', 'remote.unreachable', true],
  ['s3', 400, 'RequestTimeout', 'remote.unreachable', true],
  ['s3', 404, 'NoSuchUpload', 'remote.unreachable', true],
  ['s3', 416, 'InvalidRange', 'remote.unreachable', true],
  ['azure', 416, 'InvalidRange', 'remote.unreachable', true],
  ['gcs', 416, 'requestedRangeNotSatisfiable', 'remote.unreachable', true],
  ['s3', 507, 'XMinioStorageFull', 'remote.full', false],
  ['azure', 404, 'ContainerNotFound', 'remote.not-found', false],
  ['azure', 403, 'AuthenticationFailed', 'remote.credentials', false],
  ['azure', 403, 'AuthorizationPermissionMismatch', 'remote.denied', false],
  ['azure', 403, 'AuthorizationFailure', 'remote.denied', false],
  ['azure', 503, 'ServerBusy', 'remote.quota', true],
  ['azure', 500, 'InternalError', 'remote.unreachable', true],
  ['gcs', 404, 'notFound', 'remote.not-found', false],
  ['gcs', 401, 'authError', 'remote.credentials', false],
  ['gcs', 403, 'forbidden', 'remote.denied', false],
  ['gcs', 429, 'rateLimitExceeded', 'remote.quota', true],
  ['gcs', 503, 'backendError', 'remote.unreachable', true],
];

const KINDS: Readonly<Record<Service, readonly [OpenRemote, (endpoint: string) => RemoteConfig]>> = {
  s3: [
    openS3,
    (endpoint) =>
      configOf('s3://bucket/prefix', { endpoint, access_key_id: 'AKIA', secret_access_key: 'of-no-use' }),
  ],
  azure: [
    openAzure,
    (endpoint) => configOf('azure://container', { endpoint, account: 'me', account_key: 'a2V5' }),
  ],
  gcs: [openGcs, (endpoint) => configOf('gs://bucket', { endpoint, project: 'test' })],
};

for (const [service, status, word, code, retryable] of TABLE) {
  test(`${service}: ${status} ${word} is ${code}${retryable ? ', worth another try' : ''}`, async (t) => {
    const server = await startRefusing(t, service, { status, code: word });
    const [kind, configFor] = KINDS[service];
    const remote = await openRaw(kind, configFor(server.url));
    for (const fail of [
      () => listAll(remote, '', signal),
      () => remote.put('a', bodyOf(Buffer.from('x')), signal),
    ]) {
      const before = server.count();
      await assert.rejects(fail, (error) => {
        assert.ok(error instanceof PipelineError, String(error));
        assert.deepEqual([error.code, error.retryable], [code, retryable]);
        assert.equal(error.problems.length, 1);
        assert.ok(error.problems[0].hint);
        return true;
      });
      assert.equal(server.count(), before + 1, 'the SDK must leave retries to us');
    }
    await remote.close?.();
  });
}

test('credentials that cannot be right are told before anything is sent', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-keys-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const broken = join(folder, 'broken.json');
  writeFileSync(broken, `{"private_key": "${SECRET}`);
  const noToken = join(folder, 'token.json');
  writeFileSync(noToken, '{}');
  const client = join(folder, 'client.json');
  writeFileSync(client, JSON.stringify({ installed: { client_id: 'x', client_secret: SECRET } }));
  const identity = {
    type: 'external_account',
    audience: 'a',
    subject_token_type: 't',
    token_url: 'https://sts.googleapis.com/v1/token',
    credential_source: { file: noToken },
  };
  const impersonated = { type: 'impersonated_service_account', source_credentials: identity };
  const strangers = [
    { ...identity, token_url: 'https://sts.example.com/v1/token' },
    { ...identity, token_url: 'http://sts.googleapis.com/v1/token' },
    { ...identity, token_url: 'https://googleapis.com.example.com/v1/token' },
    { ...identity, serviceAccountImpersonationUrl: 'https://example.com/me:generateAccessToken' },
    { ...identity, universeDomain: 'example.com' },
    { ...impersonated, source_credentials: { ...identity, token_url: ['https://example.com'] } },
    { ...impersonated, endpoint: 'https://iamcredentials.example.com' },
  ].map((key, index) => {
    const file = join(folder, `stranger-${index}.json`);
    writeFileSync(file, JSON.stringify(key));
    return file;
  });
  const table: readonly (readonly [RemoteConfig, string, RegExp])[] = [
    ...strangers.map(
      (credentials, index) =>
        [
          configOf(index % 2 === 0 ? 'gs://b' : 'gdrive://id', { credentials }),
          'remote.credentials',
          /in the file ".*stranger-\d\.json" leads to another server than Google's/,
        ] as const,
    ),
    [
      configOf('gs://b', { credentials: join(folder, 'none.json') }),
      'remote.credentials',
      /none\.json" cannot be read \(ENOENT\)/,
    ],
    [configOf('gs://b', { credentials: broken }), 'remote.credentials', /broken\.json" is no JSON object/],
    [configOf('gdrive://id', { credentials: broken }), 'remote.credentials', /is no JSON object/],
    [
      configOf('gdrive://id', { client, token_file: noToken }),
      'remote.credentials',
      /has no "refresh_token"/,
    ],
    [configOf('gdrive://id', { client }), 'remote.option', /belong together/],
    ...['https://example.com', 'http://127.0.0.1.example.com', 'http://localhost@example.com'].map(
      (endpoint) =>
        [
          configOf('gdrive://id', { client, token_file: noToken, endpoint }),
          'remote.option',
          /"endpoint" would send credentials to (127\.0\.0\.1\.)?example\.com/,
        ] as const,
    ),
    [configOf('s3://b', { access_key_id: 'AKIA' }), 'remote.option', /belong together/],
    [configOf('s3://b', { endpoint: 'localhost:9000' }), 'remote.option', /"endpoint" is not a url such as/],
    [configOf('azure://c', { account: 'me' }), 'remote.credentials', /no credentials are given/],
    [
      configOf('azure://c', { connection_string: `AccountKey=${SECRET}` }),
      'remote.credentials',
      /cannot be read/,
    ],
    [configOf('azure://c', { account_key: SECRET }), 'remote.option', /"account" is missing/],
    [
      configOf('azure://c', { connection_string: SECRET, endpoint: 'http://127.0.0.1:1/me' }),
      'remote.option',
      /"endpoint" is given beside the connection string/,
    ],
    [
      configOf('azure://c', { account: 'me', account_key: 'x', sas_token: 'y' }),
      'remote.option',
      /more than one/,
    ],
  ];
  for (const [config, code, message] of table) {
    await assert.rejects(open(config), (error: PipelineError) => {
      assert.equal(error.code, code);
      assert.equal(error.exit, 2);
      assert.match(error.message, message);
      assert.deepEqual(error.problems[0].at, [config.at]);
      assert.ok(!`${error.stack} ${JSON.stringify(error)}`.includes(SECRET));
      return true;
    });
  }
});
