import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { createDemo } from '../commands/projects.ts';
import type { Rig } from '../rig.ts';
import { startFakeDrive } from './fake-drive.ts';
import { startFakeGoogle } from './fake-google.ts';
import type { Accounts, FakeGoogle } from './fake-google.ts';
import { listenFor } from './listen.ts';
import { filesOf, pushAsReader, tellAll, thereAndBack } from './told.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

const ACCOUNTS: Accounts = {
  publicKey,
  email: 'runner@project.iam.gserviceaccount.com',
  clientSecret: 'canary-client-secret',
  refreshToken: 'canary-refresh-token',
  subjectToken: 'canary-subject-token',
  accessToken: 'ya29.canary-access-token',
};
/** Of the key its lines: it is written with its line ends escaped. */
const SECRETS = [
  ACCOUNTS.clientSecret,
  ACCOUNTS.refreshToken,
  ACCOUNTS.subjectToken,
  ACCOUNTS.accessToken,
  ...privateKey.split('\n').filter((line) => line.length > 40),
];

const SERVICE_ACCOUNT = JSON.stringify({
  type: 'service_account',
  project_id: 'project',
  private_key_id: 'f00d',
  private_key: privateKey,
  client_email: ACCOUNTS.email,
  client_id: '1',
  token_uri: 'https://oauth2.googleapis.com/token',
});
const USER = JSON.stringify({
  type: 'authorized_user',
  client_id: 'gcloud',
  client_secret: ACCOUNTS.clientSecret,
  refresh_token: ACCOUNTS.refreshToken,
});
/** As `google-github-actions/auth` writes it. */
const workloadIdentity = (issuer: string): string =>
  JSON.stringify({
    type: 'external_account',
    audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/github',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: 'https://sts.googleapis.com/v1/token',
    service_account_impersonation_url: `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${ACCOUNTS.email}:generateAccessToken`,
    credential_source: {
      url: issuer,
      headers: { Authorization: 'Bearer github' },
      format: { type: 'json', subject_token_field_name: 'value' },
    },
  });

/** What gives a job of GitHub its token. */
async function startIssuer(t: TestContext): Promise<string> {
  const server = createServer(({ headers }, response) => {
    response.writeHead(headers.authorization === 'Bearer github' ? 200 : 401, {
      'content-type': 'application/json',
    });
    response.end(JSON.stringify({ value: ACCOUNTS.subjectToken }));
  });
  return `${(await listenFor(t, server)).url}/token`;
}

interface Kind {
  readonly who: string;
  readonly remote: string;
  readonly keys: (issuer: string) => Readonly<Record<string, string>>;
  /** Name of the file that the variable of Application Default Credentials names. */
  readonly ambient?: string;
  /** Servers that are asked before the objects are. */
  readonly hosts: readonly string[];
}

interface Place {
  readonly rig: Rig;
  readonly google: FakeGoogle;
  readonly env: Readonly<Record<string, string>>;
}

/** A project with the remote `cloud`, whose key files lie beside it. */
async function place(
  t: TestContext,
  { remote, keys, ambient }: Kind,
  known: Accounts = ACCOUNTS,
): Promise<Place> {
  const drive = await startFakeDrive();
  const rig = await createDemo({
    ...keys(await startIssuer(t)),
    'remotes.yaml': `default: cloud\nremotes:\n  cloud: ${remote.replace('FOLDER', drive.root)}\n`,
  });
  const google = await startFakeGoogle(known, rig.path('authority.pem'), {
    port: Number(new URL(drive.url).port),
    token: 'access-canary',
  });
  rig.write('authority.pem', google.cert);
  t.after(async () => {
    await google[Symbol.asyncDispose]();
    await drive[Symbol.asyncDispose]();
  });
  const env = { ...google.env, NO_PROXY: '127.0.0.1' };
  const file = ambient === undefined ? {} : { GOOGLE_APPLICATION_CREDENTIALS: rig.path(ambient) };
  return { rig, google, env: { ...env, ...file } };
}

function assertHidden(rig: Rig, told: string): void {
  const kept = filesOf(rig, ['.lockstep', 'pipeline.lock']);
  for (const secret of SECRETS) {
    assert.ok(!told.includes(secret), told);
    for (const file of kept)
      assert.ok(!readFileSync(file, 'latin1').includes(secret), `${secret} in ${file}`);
  }
}

const KINDS: readonly Kind[] = [
  {
    who: 'Cloud Storage, a service account',
    remote: '{ url: "gs://bucket/some", credentials: key.json }',
    keys: () => ({ 'key.json': SERVICE_ACCOUNT }),
    hosts: ['oauth2.googleapis.com'],
  },
  {
    who: 'Cloud Storage, a user that gcloud has logged in',
    remote: '{ url: "gs://bucket/some" }',
    keys: () => ({ 'adc.json': USER }),
    ambient: 'adc.json',
    hosts: ['oauth2.googleapis.com'],
  },
  {
    who: 'Cloud Storage, a workload identity of GitHub',
    remote: '{ url: "gs://bucket/some" }',
    keys: (issuer) => ({ 'gha-creds.json': workloadIdentity(issuer) }),
    ambient: 'gha-creds.json',
    hosts: ['sts.googleapis.com', 'iamcredentials.googleapis.com'],
  },
  {
    who: 'Cloud Storage, a workload identity that remotes.yaml names',
    remote: '{ url: "gs://bucket/some", credentials: wif.json }',
    keys: (issuer) => ({ 'wif.json': workloadIdentity(issuer) }),
    hosts: ['sts.googleapis.com', 'iamcredentials.googleapis.com'],
  },
  {
    who: 'Drive, a service account',
    remote: '{ url: "gdrive://FOLDER/some", credentials: key.json }',
    keys: () => ({ 'key.json': SERVICE_ACCOUNT }),
    hosts: ['oauth2.googleapis.com'],
  },
  {
    who: 'Drive, a workload identity of GitHub',
    remote: '{ url: "gdrive://FOLDER/some" }',
    keys: (issuer) => ({ 'gha-creds.json': workloadIdentity(issuer) }),
    ambient: 'gha-creds.json',
    hosts: ['sts.googleapis.com', 'iamcredentials.googleapis.com'],
  },
];

for (const kind of KINDS) {
  test(`${kind.who}: pushes, pulls and is checked under Google's own names, and nothing secret is told`, async (t) => {
    const { rig, google, env } = await place(t, kind);
    const { clone, told } = await thereAndBack(rig, env);
    // Nothing else is looked for: no project, and no server that only a machine of Google's has.
    const objects = kind.remote.includes('gs:') ? 'storage.googleapis.com' : 'www.googleapis.com';
    assert.deepEqual(google.hosts(), [...kind.hosts, objects]);
    assertHidden(rig, told);
    assertHidden(clone, told);
  });

  test(`${kind.who}: credentials that Google does not know any more are told as such, and not themselves`, async (t) => {
    const { rig, env } = await place(t, kind, {
      ...ACCOUNTS,
      email: 'another@project.iam.gserviceaccount.com',
      refreshToken: 'another',
      subjectToken: 'another',
    });
    const refused = await rig.lockstep(['push', '-v'], { env });
    assert.equal(refused.code, 2, refused.stderr);
    const said =
      /^error\[remote\.credentials\]: remote "cloud": the server answered 400 invalid_grant "[^"]+"$/m;
    assert.match(refused.stderr, said);
    assert.match(refused.stderr, /^ {2}= hint: the token was withdrawn or has expired: make a new one$/m);
    const checked = await rig.lockstep(['remote', 'check', '-v'], { env });
    assert.equal(checked.code, 1, checked.stdout);
    assertHidden(rig, refused.stdout + refused.stderr + checked.stdout + checked.stderr);
  });
}

// What the others send to Google's objects and files is a token of the same kind.
for (const kind of KINDS.filter(({ who }) => who.endsWith('a service account'))) {
  test(`${kind.who}: nothing secret is told by any command, nor kept in any file, though Google repeats it`, async (t) => {
    const { rig, google, env } = await place(t, kind);
    google.refuses = () => true;
    const told = await tellAll(rig, env);
    assert.ok(google.requests.some((line) => /^\w+ (storage|www)\.googleapis\.com /.test(line)));
    assert.match(told, /remote\.denied.*\n?.*403 forbidden "Bearer \*\*\*/);
    assert.match(told, /the role roles\/storage\.objectUser|share the folder with this account as an editor/);
    assertHidden(rig, told);
  });
}

test('who may only read a bucket of Cloud Storage pulls from it, and is told what pushing takes', async (t) => {
  const [kind = assert.fail()] = KINDS;
  const { rig, google, env } = await place(t, kind);
  const { pushed } = await pushAsReader(rig, env, () => (google.refuses = (method) => method === 'POST'));
  assert.match(
    pushed.stderr,
    /^error\[remote\.denied\]: remote "cloud": the server answered 403 forbidden "/m,
  );
  assert.match(pushed.stderr, /= hint: give this account the role roles\/storage\.objectUser on the bucket;/);
});
