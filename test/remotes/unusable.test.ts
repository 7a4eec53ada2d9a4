import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { cloneOf, createDemo, succeeded } from '../commands/projects.ts';
import { configOf } from './bodies.ts';
import { open } from './open.ts';

const folder = mkdtempSync(join(tmpdir(), 'lockstep-unusable-'));
after(() => rmSync(folder, { recursive: true }));

function keyFile(name: string, content: object): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

const KEYS = {
  client: keyFile('client.json', { installed: { client_id: 'a', client_secret: 'b' } }),
  empty: keyFile('empty.json', {}),
  broken: keyFile('broken.json', {
    type: 'service_account',
    client_email: 'a@example.com',
    private_key: '-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n',
  }),
  user: keyFile('user.json', { type: 'authorized_user', client_id: 'a', client_secret: 'b' }),
  workload: keyFile('workload.json', {
    type: 'external_account',
    audience: '//iam.googleapis.com/pool',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: 'https://sts.googleapis.com/v1/token',
    credential_source: { file: join(folder, 'no-token') },
  }),
};
const PAIR = { access_key_id: 'AK', secret_access_key: 'SK' };
const endpoint = 'http://127.0.0.1:9';

/** what is wrong, url, options, code, sentence */
const CASES = [
  ...['gs://bucket', 'gdrive://folder'].flatMap(
    (url) =>
      [
        [
          'an OAuth client as a key',
          url,
          { credentials: KEYS.client },
          'credentials',
          /has no "client_email"$/,
        ],
        ['an empty key', url, { credentials: KEYS.empty }, 'credentials', /has no "client_email"$/],
        ['half a key of a user', url, { credentials: KEYS.user }, 'credentials', /has no "refresh_token"$/],
        ['a broken key', url, { credentials: KEYS.broken }, 'credentials', /cannot be used \(.*DECODER/],
        ['a lost token', url, { credentials: KEYS.workload }, 'credentials', /cannot be used \(.*no-token/],
      ] as const,
  ),
  ['no region', 's3://bucket', { ...PAIR, region: 'EU West' }, 'option', /the region is no name of one/],
  ['an ARN', 's3://arn:aws:s3:eu-west-1:1:accesspoint:a', { ...PAIR, endpoint }, 'option', /ARN buckets\)$/],
  ['half an ARN', 's3://arn:aws:s3', { ...PAIR, region: 'eu-west-1' }, 'option', /no address can be made/],
  ['a line end', 's3://bucket', { ...PAIR, access_key_id: 'AK\n', endpoint }, 'credentials', /no header/],
  ['a line in it', 's3://bucket', { ...PAIR, session_token: 'a\nb', endpoint }, 'credentials', /no header/],
  ['a line in it', endpoint, { token: 'canary\nb' }, 'credentials', /no header/],
  ['another letter', endpoint, { token: 'canary€' }, 'credentials', /no header/],
  ['a url', 'azure://box', { account: 'https://a.example.com', account_key: 'YQ==' }, 'option', /no name of/],
] as const;

for (const [what, url, options, code, sentence] of CASES) {
  test(`${url} with ${what} is remote.${code}, and tells no secret`, async () => {
    const { signal } = new AbortController();
    const act = async (): Promise<unknown> => {
      const remote = await open(configOf(url, options));
      try {
        return await remote.head('check/1', signal);
      } finally {
        await remote.close?.();
      }
    };
    await assert.rejects(act(), ({ code: told, exit, message }: Error & Record<string, unknown>) => {
      assert.equal(told, `remote.${code}`, message);
      assert.equal(exit, 2);
      assert.match(message, sentence);
      assert.doesNotMatch(message, /canary/);
      return true;
    });
  });
}

/** what the environment says wrong, remotes.yaml, code, sentence */
const VARIABLES = [
  [
    { GOOGLE_APPLICATION_CREDENTIALS: '/nope.json' },
    '{ url: "gs://bucket/x" }',
    'credentials',
    'the credentials cannot be used (Unable to read the credential file specified by the GOOGLE_APPLICATION_CREDENTIALS',
  ],
  [
    { GOOGLE_APPLICATION_CREDENTIALS: KEYS.empty },
    '{ url: "gdrive://folder/x" }',
    'credentials',
    'the credentials cannot be used (Unable to read the credential file specified by the GOOGLE_APPLICATION_CREDENTIALS',
  ],
  [
    { AWS_WEB_IDENTITY_TOKEN_FILE: '/nope', AWS_ROLE_ARN: 'arn:aws:iam::1:role/a' },
    '{ url: "s3://bucket/x", region: eu-west-1 }',
    'credentials',
    "the credentials cannot be used (ENOENT: no such file or directory, open '/nope')",
  ],
  [
    { AWS_REGION: 'eu west', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' },
    '{ url: "s3://bucket/x" }',
    'option',
    'the region is no name of one, such as "eu-central-1"',
  ],
] as const;

for (const [env, yaml, code, sentence] of VARIABLES) {
  test(`${Object.keys(env)[0]} with ${yaml}: no command takes it for a bug, and repro --pull does without the remote`, async () => {
    const rig = await createDemo({ 'remotes.yaml': `remotes:\n  cloud: ${yaml}\n` });
    const said = `remote "cloud": ${sentence}`;
    const pushed = await rig.lockstep(['push'], { env });
    assert.equal(pushed.code, 2, pushed.stderr);
    assert.ok(pushed.stderr.includes(`error[remote.${code}]: ${said}`), pushed.stderr);
    const checked = await rig.lockstep(['remote', 'check'], { env });
    assert.equal(checked.code, 1, checked.stderr);
    assert.ok(checked.stdout.includes(`\nfail  put     ${said}`), checked.stdout);
    const ran = succeeded(await cloneOf(rig).lockstep(['repro', '--pull'], { env }));
    assert.ok(ran.stderr.includes(`warning[remote.${code}]: nothing more is pulled: ${said}`), ran.stderr);
  });
}
