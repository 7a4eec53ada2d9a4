import { createHash, createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { request as ask } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { parseMultipart } from './fake-uploads.ts';
import { startForwardProxy } from './forward-proxy.ts';
import { listen } from './listen.ts';
import { selfSigned } from './self-signed.ts';

/** Whom the fake knows, and by what. */
export interface Accounts {
  /** Public key of a service account, PEM. */
  readonly publicKey: string;
  readonly email: string;
  readonly clientSecret: string;
  readonly refreshToken: string;
  /** What the other cloud, or GitHub, vouches with. */
  readonly subjectToken: string;
  /** The access token that whoever is known is given. */
  readonly accessToken: string;
}

export interface FakeGoogle extends AsyncDisposable {
  /** What a command needs to meet the fake under Google's own names: proxy and authority. */
  readonly env: Readonly<Record<string, string>>;
  /** PEM of the authority that `env` names a file for. */
  readonly cert: string;
  /** Hosts that were asked for, in the order of their first request. */
  readonly hosts: () => readonly string[];
  /** `METHOD host path` of each request that reached the fake, in order. */
  readonly requests: readonly string[];
  /** Which requests for objects and files are refused, in words that repeat what was sent, credentials too. */
  refuses: (method: string) => boolean;
}

const HOSTS = [
  'oauth2.googleapis.com',
  'sts.googleapis.com',
  'iamcredentials.googleapis.com',
  'storage.googleapis.com',
  'www.googleapis.com',
];

interface Asked {
  readonly method: string;
  readonly host: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

type Answer = readonly [status: number, body: unknown];

/**
 * Google's servers for tokens and Cloud Storage, behind a proxy that leads all their names to this machine: credentials are
 * checked as Google's pages on OAuth 2.0, security tokens (RFC 8693) and IAM credentials say. `drive` is the port of a
 * server that answers for Drive, and `driveToken` what it is asked with.
 */
export async function startFakeGoogle(
  accounts: Accounts,
  authority: string,
  drive?: { readonly port: number; readonly token: string },
): Promise<FakeGoogle> {
  const requests: string[] = [];
  const objects = new Map<string, Buffer>();
  const key = createPublicKey(accounts.publicKey);
  const own = selfSigned(HOSTS);

  const server = createServer(own, (request, response) => {
    void answer(request, response);
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = await read(request);
    requests.push(`${asked.method} ${asked.host} ${asked.url.pathname}`);
    const isForObjects = ['storage.googleapis.com', 'www.googleapis.com'].includes(asked.host);
    const isEcho = isForObjects && google.refuses(asked.method);
    if (asked.host === 'www.googleapis.com' && drive && !isEcho) return passOn(asked, response, drive);
    const [status, body] = isEcho ? echo(asked) : route(asked);
    if (Buffer.isBuffer(body))
      response.writeHead(status, { 'content-type': 'application/octet-stream' }).end(body);
    else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  function route(asked: Asked): Answer {
    const { host } = asked;
    if (host === 'oauth2.googleapis.com') return exchange(new URLSearchParams(asked.body.toString()));
    if (host === 'sts.googleapis.com') return exchangeSubject(asked);
    if (host === 'iamcredentials.googleapis.com') return impersonate(asked);
    if (!isKnown(asked)) return refusal(401, 'authError', 'Invalid Credentials');
    return store(asked);
  }

  function echo({ url, headers, body }: Asked): Answer {
    const sent = [headers.authorization, url.href, JSON.stringify(headers), body.toString('latin1')].join(
      ' ',
    );
    return refusal(403, 'forbidden', sent.replaceAll(/[^\x20-\x7e]/g, ' ').slice(0, 2000));
  }

  /** A service account's assertion, or a user's refresh token. */
  function exchange(form: URLSearchParams): Answer {
    const given = { access_token: accounts.accessToken, expires_in: 3600, token_type: 'Bearer' };
    const denied: Answer = [400, { error: 'invalid_grant', error_description: 'Bad Request' }];
    if (form.get('grant_type') === 'refresh_token') {
      const known = form.get('refresh_token') === accounts.refreshToken;
      return known && form.get('client_secret') === accounts.clientSecret ? [200, given] : denied;
    }
    const claims = readAssertion(form.get('assertion') ?? '', key);
    const right =
      claims?.['iss'] === accounts.email && /devstorage|auth\/drive/.test(String(claims['scope']));
    return right ? [200, given] : denied;
  }

  function exchangeSubject({ body }: Asked): Answer {
    const form = new URLSearchParams(body.toString());
    if (form.get('subject_token') !== accounts.subjectToken)
      return [400, { error: 'invalid_grant', error_description: 'The subject token is invalid.' }];
    return [200, { access_token: 'federated', token_type: 'Bearer', expires_in: 3600 }];
  }

  function impersonate({ headers, url }: Asked): Answer {
    if (headers.authorization !== 'Bearer federated' || !url.pathname.includes(accounts.email))
      return refusal(403, 'forbidden', 'Permission iam.serviceAccounts.getAccessToken denied');
    return [200, { accessToken: accounts.accessToken, expireTime: '2099-01-01T00:00:00Z' }];
  }

  /** By the token that was given out, or by an assertion of one's own, which needs none. */
  function isKnown({ headers }: Asked): boolean {
    const token = (headers.authorization ?? '').replace('Bearer ', '');
    return token === accounts.accessToken || readAssertion(token, key)?.['iss'] === accounts.email;
  }

  function store(asked: Asked): Answer {
    const { method, url } = asked;
    const name = url.searchParams.get('name');
    if (method === 'POST' && name !== null) {
      objects.set(name, parseMultipart(asked, asked.body).bytes);
      return [200, resource(name)];
    }
    const [, one] = /\/o\/([^/]+)$/.exec(url.pathname) ?? [];
    if (one === undefined) {
      const prefix = url.searchParams.get('prefix') ?? '';
      const items = [...objects.keys()].filter((key) => key.startsWith(prefix)).map(resource);
      return [200, { kind: 'storage#objects', items }];
    }
    const wanted = decodeURIComponent(one);
    const bytes = objects.get(wanted);
    if (!bytes) return refusal(404, 'notFound', 'No such object');
    if (method === 'DELETE') return [204, objects.delete(wanted) && null];
    return [200, url.searchParams.get('alt') === 'media' ? bytes : resource(wanted)];
  }

  function resource(name: string): unknown {
    const bytes = objects.get(name) ?? Buffer.alloc(0);
    return { name, size: String(bytes.length), md5Hash: createHash('md5').update(bytes).digest('base64') };
  }

  function passOn(
    { method, url, headers, body }: Asked,
    response: ServerResponse,
    to: { readonly port: number; readonly token: string },
  ): void {
    const known = headers.authorization === `Bearer ${accounts.accessToken}`;
    const onward = ask(
      {
        port: to.port,
        method,
        path: url.pathname + url.search,
        headers: { ...headers, authorization: known ? `Bearer ${to.token}` : 'Bearer unknown' },
      },
      (back) => {
        // It lives by a clock of its own.
        const { date: _, ...told } = back.headers;
        response.writeHead(back.statusCode ?? 502, told);
        back.pipe(response);
      },
    );
    onward.end(body);
  }

  const listening = await listen(server);
  const proxy = await startForwardProxy(listening.port);
  const google: FakeGoogle = {
    refuses: () => false,
    hosts: () => [...new Set(proxy.seen.map((line) => line.replace(/^CONNECT |:\d+$/g, '')))],
    requests,
    cert: own.cert,
    env: { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`, NODE_EXTRA_CA_CERTS: authority },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await listening[Symbol.asyncDispose]();
    },
  };
  return google;
}

async function read(request: IncomingMessage): Promise<Asked> {
  const { method = '', headers, url = '' } = request;
  const host = headers.host ?? '';
  return { method, host, headers, url: new URL(url, `https://${host}`), body: await buffer(request) };
}

function refusal(code: number, reason: string, message: string): Answer {
  return [code, { error: { code, message, errors: [{ reason, message }] } }];
}

/** The claims of a JSON Web Token (RFC 7519), if this key has signed it. */
function readAssertion(token: string, key: KeyObject): Readonly<Record<string, unknown>> | undefined {
  const [head = '', claims = '', signature = ''] = token.split('.');
  if (!verify('sha256', Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, 'base64url')))
    return undefined;
  return JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>;
}
