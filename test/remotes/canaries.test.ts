import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { FILES, createDemo } from '../commands/projects.ts';
import { createRig } from '../rig.ts';
import type { Rig } from '../rig.ts';
import { CANARY, KEY_FILES, KINDS, yamlOf } from './kinds.ts';
import { listenFor } from './listen.ts';
import { filesOf, tellAll } from './told.ts';

/** Refuses everything but tokens, and repeats credentials and what it was sent in every part of its answer. */
async function startEcho(t: TestContext, known: string): Promise<string> {
  const server = createServer((request, response) => {
    void answer(request, response);
  });
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const { url = '', headers } = request;
    if (url === '/token') {
      response.writeHead(200, { 'content-type': 'application/json' });
      const token = { access_token: `${CANARY}access`, token_type: 'Bearer', expires_in: 3600 };
      response.end(JSON.stringify(token));
      return;
    }
    const sent = [headers.authorization, url, JSON.stringify(headers), body.toString('latin1')];
    const text = `${known} ${sent.join(' ')}`.replaceAll(/[<>&"\\]|[^\x20-\x7e]/g, ' ').slice(0, 2000);
    const isJson = /^\/(storage|drive|upload)\//.test(url);
    const type = isJson ? 'application/json' : 'application/xml';
    const told = { 'content-type': type, 'x-ms-error-code': 'AccessDenied', 'x-echo': text };
    response.writeHead(403, text.slice(0, 150), told);
    response.end(
      isJson
        ? JSON.stringify({
            error: { code: 403, message: text, errors: [{ reason: 'forbidden', message: text }] },
          })
        : `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>${text}</Message></Error>`,
    );
  }
  return (await listenFor(t, server)).url;
}

/** The credential as it is, in a URL, and as headers carry it. */
const FORMS: readonly string[] = [
  CANARY,
  CANARY.replace(/=$/, ''),
  encodeURIComponent(CANARY),
  Buffer.from(`me:${CANARY}`).toString('base64'),
  'proxy-canary',
];

function assertHidden(text: string, where: string): string {
  for (const form of FORMS) assert.ok(!text.includes(form), `${form} in ${where}:\n${text}`);
  return text;
}

/** Everything that commands wrote into the project. */
function assertFilesHide(rig: Rig): void {
  const names = readdirSync(rig.root).filter(
    (name) => name !== 'node_modules' && !Object.hasOwn(KEY_FILES, name),
  );
  const files = filesOf(rig, names);
  assert.ok(files.length > 10);
  for (const file of files) assertHidden(readFileSync(file, 'latin1'), file);
}

/** Other ways to the same credentials: found by a library, or written in other words. */
const OTHER_WAYS: typeof KINDS = {
  's3 chain': (endpoint) => ({ url: 's3://bucket/some', options: { endpoint } }),
  'gdrive machine': (endpoint) => ({ url: 'gdrive://root/some', options: { endpoint } }),
  'azure connection': () => ({
    url: 'azure://box/some',
    options: { connection_string: '${env:CONNECTION}' },
  }),
  'http token': (origin) => ({ url: `${origin}/some`, options: { token: '${env:CANARY}' } }),
};

/** Credentials that libraries find by themselves, and a connection string. */
function machineOf(origin: string): Readonly<Record<string, string>> {
  const place = createRig({
    'subject.txt': 'subject',
    'credentials.json': JSON.stringify({
      type: 'external_account',
      audience: '//iam.googleapis.com/some',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `${origin}/token`,
      client_id: 'me',
      client_secret: CANARY,
    }),
  });
  const credentials = JSON.parse(place.read('credentials.json')) as Readonly<Record<string, unknown>>;
  const source = { credential_source: { file: place.path('subject.txt') } };
  place.write('credentials.json', JSON.stringify({ ...credentials, ...source }));
  return {
    GOOGLE_APPLICATION_CREDENTIALS: place.path('credentials.json'),
    CONNECTION: `DefaultEndpointsProtocol=http;BlobEndpoint=${origin}/me;AccountName=me;AccountKey=${CANARY}`,
    AWS_ACCESS_KEY_ID: 'AKTEST',
    AWS_SECRET_ACCESS_KEY: `key${CANARY}`,
    AWS_SESSION_TOKEN: `${CANARY}session`,
  };
}

/** What of a remote's credentials a server may know, where that is not the canary itself. */
const KNOWN: Readonly<Record<string, string>> = {
  gdrive: `${CANARY}client`,
  's3 chain': `key${CANARY} ${CANARY}session`,
};

// The errors of an Azure key are those of a SAS token, and an emulator of Cloud Storage is asked without credentials:
// google-accounts.test.ts asks Google's own names.
const TRIED = Object.entries({ ...KINDS, ...OTHER_WAYS }).filter(
  ([name]) => !['azure key', 'gcs'].includes(name),
);
for (const [kind, optionsOf] of TRIED) {
  test(`${kind}: no credential is told by any command, nor kept in any file, though the server repeats it`, async (t) => {
    const origin = await startEcho(t, KNOWN[kind] ?? CANARY);
    const rig = await createDemo(KEY_FILES);
    const { url, options } = optionsOf(origin);
    rig.write('remotes.yaml', `remotes:\n  cloud: ${JSON.stringify({ url, ...options })}\n`);
    const proxy = 'http://user:proxy-canary@127.0.0.1:9';
    const proxies = { HTTPS_PROXY: proxy, HTTP_PROXY: proxy, NO_PROXY: '127.0.0.1' };
    const env = { CANARY, ...proxies, ...machineOf(origin) };
    const told = await tellAll(rig, env, assertHidden);
    assert.ok(told.includes('403') && told.includes('***'), told);
    assertFilesHide(rig);
  });
}

test('what comes from the environment is shown as remotes.yaml has it', async () => {
  const rig = createRig({
    ...FILES,
    'remotes.yaml':
      'remotes:\n  cloud: { url: "s3://${env:CANARY}/x" }\n  web: { url: "https://${env:ABC}@host/x" }\n',
  });
  const env = { CANARY, ABC: 'abc' };
  const list = await rig.lockstep(['remote', 'list'], { env });
  assert.equal(list.stdout, 'cloud  s3://${env:CANARY}/x\nweb    https://${env:ABC}@host/x\n');
  const doctor = await rig.lockstep(['doctor'], { env });
  assert.match(doctor.stdout, /cloud \(s3:\/\/\$\{env:CANARY\}\/x\) is configured/);
  assert.ok(!doctor.stdout.includes('abc@'));
});

test('what a library throws where nobody waits for it is told without what hangs on it', async (t) => {
  const origin = await startEcho(t, CANARY);
  const rig = createRig({ ...FILES, 'remotes.yaml': yamlOf('s3', origin) });
  rig.write(
    'stray.mjs',
    `import http from 'node:http';
const { request } = http;
http.request = function (...given) {
  Promise.reject(Object.assign(new Error('stray'), { config: { headers: { authorization: '${CANARY}' } } }));
  return request.apply(this, given);
};
`,
  );
  const env = { CANARY, NODE_OPTIONS: `--import ${pathToFileURL(rig.path('stray.mjs')).href}` };
  const ran = await rig.lockstep(['remote', 'check'], { env });
  assert.equal(ran.code, 70);
  assert.match(ran.stderr, /^error\[internal\.bug\]: .*\nError: stray\n/);
  assertHidden(`${ran.stdout}${ran.stderr}`, 'remote check');
});
