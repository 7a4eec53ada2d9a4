import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import type { RemoteConfig } from '../../src/base/remote.ts';
import { FILES, createDemo } from '../commands/projects.ts';
import { createRig } from '../rig.ts';
import { azurePlace, gcsPlace, s3Place } from './cloud-places.ts';

const s3 = s3Place();
const azure = azurePlace();
const gcs = gcsPlace();

/** What `push` and `remote check` of a demo say with these options laid over a place's own, the secret in the environment. */
async function refusalOf(
  { url, options }: RemoteConfig,
  change: Readonly<Record<string, string | null>>,
  secret: string,
): Promise<string> {
  const all = { url, ...options, ...change };
  const rig = await createDemo({ 'remotes.yaml': `remotes:\n  cloud: ${JSON.stringify(all)}\n` });
  const env = { SECRET: secret };
  const pushed = await rig.lockstep(['push'], { env });
  const said = /^error\[(.*)\]: (.*)$/m.exec(pushed.stderr);
  assert.ok(said, pushed.stdout + pushed.stderr);
  const [, code = '', message = ''] = said;
  assert.equal(pushed.code, /credentials|not-found/.test(code) ? 2 : 1);
  const checked = await rig.lockstep(['remote', 'check'], { env });
  assert.equal(checked.code, 1);
  assert.ok(checked.stdout.includes('\nfail  '), checked.stdout);
  for (const text of [pushed.stderr, checked.stdout, checked.stderr]) assert.ok(!text.includes(secret), text);
  return `${code} ${message} ${/= hint: (.*)/.exec(pushed.stderr)?.[1]}`;
}

test('S3: a wrong secret, an unknown key and a missing bucket', { skip: s3.skip ?? false }, async () => {
  const place = await s3.create();
  const secret_access_key = '${env:SECRET}';
  const right = place.options['secret_access_key'] as string;
  assert.match(
    await refusalOf(place, { secret_access_key }, 'wrong-canary-secret'),
    /^remote\.credentials .*SignatureDoesNotMatch/,
  );
  assert.match(
    await refusalOf(place, { secret_access_key, access_key_id: 'nobody' }, right),
    /^remote\.credentials .*(NotFound|InvalidAccessKeyId)/,
  );
  assert.match(
    await refusalOf({ ...place, url: 's3://no-such-bucket/x' }, { secret_access_key }, right),
    /^remote\.not-found .* there is no bucket "no-such-bucket" create it/,
  );
});

test(
  'Azure: a wrong key, SAS tokens that end or may not write, and a missing container',
  { skip: azure.skip ?? false },
  async () => {
    const place = await azure.create();
    const box = /azure:\/\/([^/]+)/.exec(place.url)?.[1] ?? assert.fail();
    const account_key = '${env:SECRET}';
    const wrong = Buffer.from('wrong-canary-secret').toString('base64');
    assert.match(
      await refusalOf(place, { account_key }, wrong),
      /^remote\.(credentials .*Authenti|denied .*Authoriz)/,
    );
    const right = place.options['account_key'] as string;
    assert.match(
      await refusalOf({ ...place, url: 'azure://no-such-box/x' }, { account_key }, right),
      /^remote\.not-found .*ContainerNotFound/,
    );

    const sdk = await import('@azure/storage-blob');
    const sas = (permissions: string, untilMs: number): string =>
      sdk
        .generateBlobSASQueryParameters(
          {
            containerName: box,
            permissions: sdk.ContainerSASPermissions.parse(permissions),
            startsOn: new Date('2020-01-01'),
            expiresOn: new Date(untilMs),
          },
          new sdk.StorageSharedKeyCredential(place.options['account'] as string, right),
        )
        .toString();
    const token = { account_key: null, sas_token: '${env:SECRET}' };
    assert.match(
      await refusalOf(place, token, sas('rcwdl', Date.parse('2021-06-01T00:00:00Z'))),
      /^remote\.(credentials|denied) .* the SAS token is valid until 2021-06-01T00:00:00Z: make a new one/,
    );
    assert.match(
      await refusalOf(place, token, sas('rl', Date.parse('2099-01-01T00:00:00Z'))),
      /^remote\.denied .*AuthorizationPermissionMismatch.*"rcwl" on the container/,
    );
  },
);

test('GCS: a missing bucket', { skip: gcs.skip ?? false }, async () => {
  const place = await gcs.create();
  assert.match(
    await refusalOf({ ...place, url: 'gs://no-such-bucket/x' }, {}, 'none'),
    /^remote\.not-found remote "cloud": there is no bucket "no-such-bucket" create it/,
  );
});

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const USER = { type: 'authorized_user', client_id: 'a', client_secret: 'b', refresh_token: 'c' };
const WORKLOAD = {
  type: 'external_account',
  audience: '//iam.googleapis.com/pool',
  subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  token_url: 'https://sts.googleapis.com/v1/token',
  credential_source: { file: '/etc/hostname' },
};
const KEYS = [
  { type: 'service_account', project_id: 'p', private_key: privateKey, client_email: 'x@p.example.com' },
  USER,
  WORKLOAD,
  {
    type: 'impersonated_service_account',
    service_account_impersonation_url:
      'https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/x@p.example.com:generateAccessToken',
    source_credentials: USER,
  },
];

for (const key of KEYS) {
  // Both go one way to it.
  for (const url of key === WORKLOAD ? ['gs://bucket/x', 'gdrive://folder/x'] : ['gs://bucket/x']) {
    test(`${url.split(':')[0]}: a file of a ${key.type} is used without a word of the library that reads it`, async () => {
      const rig = createRig({
        ...FILES,
        'key.json': JSON.stringify(key),
        'remotes.yaml': `remotes:\n  cloud: { url: "${url}", credentials: key.json }\n`,
      });
      // Without the network: what is asked is a proxy that is not there.
      const ran = await rig.lockstep(['remote', 'check'], { env: { HTTPS_PROXY: 'http://127.0.0.1:9' } });
      assert.match(ran.stdout, /^fail {2}put +remote "cloud": the proxy http:\/\/127\.0\.0\.1:9/m);
      assert.equal(ran.stderr, '');
    });
  }
}
