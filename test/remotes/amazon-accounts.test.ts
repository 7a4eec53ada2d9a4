import assert from 'node:assert/strict';
import { request as ask } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { createDemo } from '../commands/projects.ts';
import type { Rig } from '../rig.ts';
import { startFakeS3 } from './fake-s3.ts';
import { startForwardProxy } from './forward-proxy.ts';
import { listenFor } from './listen.ts';
import { selfSigned } from './self-signed.ts';
import { thereAndBack } from './told.ts';

const KEY = 'ASIACANARYKEY';
const SECRET = 'canary-secret-access-key';
const SESSION = 'canary-session-token';
const WEB = 'canary-web-identity-token';
const STS = 'sts.eu-north-1.amazonaws.com';
const BUCKET = 'bucket.s3.eu-north-1.amazonaws.com';

interface Amazon {
  readonly env: Readonly<Record<string, string>>;
  readonly hosts: () => readonly string[];
}

/** Amazon's servers for tokens and for a bucket, under their own names, behind a proxy. */
async function startAmazon(t: TestContext, rig: Rig): Promise<Amazon> {
  const s3 = await startFakeS3();
  const own = selfSigned([STS, BUCKET]);
  const server = createServer(own, (request, response) => {
    if (request.headers.host === STS) void assumeRole(request, response);
    else passOn(request, response);
  });

  async function assumeRole(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams(await text(request));
    if (form.get('WebIdentityToken') !== WEB) {
      response.writeHead(400, { 'content-type': 'text/xml' });
      response.end(
        '<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>no</Message></Error></ErrorResponse>',
      );
      return;
    }
    response.writeHead(200, { 'content-type': 'text/xml' });
    response.end(
      '<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>' +
        `<AccessKeyId>${KEY}</AccessKeyId><SecretAccessKey>${SECRET}</SecretAccessKey>` +
        `<SessionToken>${SESSION}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>` +
        '</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>',
    );
  }

  /** To the fake, for whom knows key and session; signatures are for real servers to check. */
  function passOn(request: IncomingMessage, response: ServerResponse): void {
    const { authorization = '', 'x-amz-security-token': session } = request.headers;
    const isKnown = authorization.includes(`Credential=${KEY}/`) && session === SESSION;
    const options = {
      port: Number(new URL(s3.url).port),
      method: request.method,
      path: `/bucket${request.url}`,
      headers: request.headers,
    };
    const onward = ask(
      isKnown ? options : { ...options, path: '/bucket?unknown', method: 'PATCH' },
      (back) => {
        response.writeHead(isKnown ? (back.statusCode ?? 502) : 403, back.headers);
        back.pipe(response);
      },
    );
    request.pipe(onward);
  }

  const { port } = await listenFor(t, server);
  const proxy = await startForwardProxy(port);
  rig.write('authority.pem', own.cert);
  t.after(async () => {
    await proxy[Symbol.asyncDispose]();
    await s3[Symbol.asyncDispose]();
  });
  return {
    hosts: () => [...new Set(proxy.seen.map((line) => line.replace(/^CONNECT |:\d+$/g, '')))],
    env: {
      HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
      NODE_EXTRA_CA_CERTS: rig.path('authority.pem'),
      HOME: rig.path('home'),
      AWS_REGION: 'eu-north-1',
    },
  };
}

const WAYS: readonly {
  readonly who: string;
  readonly files: Readonly<Record<string, string>>;
  readonly env: (rig: Rig) => Readonly<Record<string, string>>;
  readonly hosts: readonly string[];
}[] = [
  {
    who: 'variables',
    files: {},
    env: () => ({ AWS_ACCESS_KEY_ID: KEY, AWS_SECRET_ACCESS_KEY: SECRET, AWS_SESSION_TOKEN: SESSION }),
    hosts: [BUCKET],
  },
  {
    who: 'a profile',
    files: {
      'home/.aws/credentials': `[work]\naws_access_key_id=${KEY}\naws_secret_access_key=${SECRET}\naws_session_token=${SESSION}\n`,
    },
    env: () => ({ AWS_PROFILE: 'work' }),
    hosts: [BUCKET],
  },
  {
    who: 'a web identity',
    files: { 'home/token': WEB },
    env: (rig) => ({
      AWS_WEB_IDENTITY_TOKEN_FILE: rig.path('home/token'),
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/lockstep',
    }),
    hosts: [STS, BUCKET],
  },
];

for (const { who, files, env, hosts } of WAYS)
  test(`S3 by ${who}: pushes, pulls and is checked under Amazon's own names, by way of the proxy`, async (t) => {
    const rig = await createDemo({
      ...files,
      'remotes.yaml': 'default: cloud\nremotes:\n  cloud: { url: "s3://bucket/some" }\n',
    });
    const amazon = await startAmazon(t, rig);
    const { told } = await thereAndBack(rig, { ...amazon.env, ...env(rig) });
    // Nobody else is asked but Amazon for its clock, which is one wherever the bucket is.
    assert.deepEqual(amazon.hosts(), [...hosts, 's3.us-east-1.amazonaws.com']);
    for (const secret of [SECRET, SESSION, WEB]) assert.ok(!told.includes(secret), told);
  });
