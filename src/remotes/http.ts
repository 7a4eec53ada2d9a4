import type { OpenRemote, Remote, RemoteConfig, SourceStream } from '../base/remote.ts';
import { learnHeaders } from './discreet.ts';
import { objectMissing, remoteFault, unlessMissing, withFaults } from './faults.ts';
import { readOptions } from './options.ts';
import { UNSENDABLE, webFault } from './web-fault.ts';
import { sendRequest } from './web-request.ts';
import { answerSource, encodeKey, rangeFrom } from './web-stream.ts';

const CONCURRENCY = 16;
/** A server that has not begun to answer by then is taken for gone. */
const ANSWER_MS = 60_000;

/**
 * A read-only remote: a folder remote that a web server gives out. It cannot list; presence is asked key by key.
 * Options: `user` and `password` (basic), or `token` (bearer). A redirect to another origin gets no credentials.
 */
const openHttp: OpenRemote = async (config, { learn }) => {
  const options = readOptions(config, { user: 'text', password: 'text', token: 'text' });
  if (options.token !== undefined && (options.user !== undefined || options.password !== undefined)) {
    throw remoteFault(config, 'option', {
      what: 'both a "token" and a "user" are given',
      hint: 'keep one of them',
    });
  }
  if (options.password !== undefined && options.user === undefined) {
    throw remoteFault(config, 'option', {
      what: 'a "password" is given without a "user"',
      hint: 'name the account as "user"',
    });
  }
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (options.token !== undefined) headers['authorization'] = `Bearer ${options.token}`;
  if (options.user !== undefined) {
    const pair = Buffer.from(`${options.user}:${options.password ?? ''}`).toString('base64');
    headers['authorization'] = `Basic ${pair}`;
  }
  try {
    learnHeaders(new Headers(headers), learn);
  } catch {
    // Its message repeats the value.
    const [kind, hint, what] = UNSENDABLE;
    throw remoteFault(config, kind, { hint, what });
  }
  return createHttp(config, { base: baseOf(config), headers, concurrency: options.jobs ?? CONCURRENCY });
};
export default openHttp;

function baseOf(config: RemoteConfig): string {
  const url = URL.canParse(config.url) ? new URL(config.url) : undefined;
  if (!url || url.username !== '' || url.search !== '' || url.hash !== '') {
    throw remoteFault(config, 'option', {
      what: 'the url is not that of a folder',
      hint: 'write it as in "https://host/path"; user and password go into options of that name',
    });
  }
  return url.href.endsWith('/') ? url.href : `${url.href}/`;
}

interface Setup {
  readonly base: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly concurrency: number;
}

function createHttp(config: RemoteConfig, { base, headers, concurrency }: Setup): Remote {
  const faultOf = (error: unknown): unknown => webFault(config, error, {});

  function request(
    method: 'GET' | 'HEAD',
    key: string,
    { signal, range }: { readonly signal: AbortSignal; readonly range?: string | undefined },
  ): Promise<Response> {
    const url = base + encodeKey(key);
    const all = range === undefined ? headers : { ...headers, range };
    return withFaults(signal, faultOf, () =>
      sendRequest({ url, method, headers: all, signal, withinMs: ANSWER_MS }),
    );
  }

  async function refuse(answer: Response): Promise<never> {
    await answer.body?.cancel();
    throw webFault(config, new Error(`status ${answer.status}`), {
      status: answer.status,
      message: answer.statusText,
      retryAfter: answer.headers.get('retry-after'),
      date: answer.headers.get('date'),
    });
  }

  async function head(key: string, signal: AbortSignal): Promise<{ readonly size: number } | undefined> {
    const answer = await request('HEAD', key, { signal });
    const size = answer.headers.get('content-length');
    if (answer.status === 404 || answer.status === 410) return undefined;
    if (answer.ok && size !== null) return { size: Number(size) };
    // Some servers know no HEAD, and some tell no size there.
    if (answer.ok || answer.status === 405 || answer.status === 501)
      return unlessMissing(measure(key, signal));
    return refuse(answer);
  }

  async function measure(key: string, signal: AbortSignal): Promise<{ readonly size: number }> {
    const { stream } = await get(key, signal);
    let size = 0;
    for await (const chunk of stream) size += (chunk as Uint8Array).length;
    return { size };
  }

  async function get(key: string, signal: AbortSignal, from = 0): Promise<SourceStream> {
    const answer = await request('GET', key, { signal, range: rangeFrom(from) });
    if (answer.ok) return answerSource(answer, { from, signal, faultOf });
    if (answer.status !== 404 && answer.status !== 410) return refuse(answer);
    await answer.body?.cancel();
    throw objectMissing(config, key);
  }

  const readOnly = (): never => {
    throw remoteFault(config, 'denied', {
      what: 'a web server can only be read from',
      hint: 'push to the remote that this server gives out, by its own url',
    });
  };

  return {
    limits: { concurrency, readOnly: true, listless: true },
    head,
    get,
    put: async () => readOnly(),
    remove: async () => readOnly(),
    // oxlint-disable-next-line require-yield -- it has nothing to tell
    async *list() {
      throw remoteFault(config, 'denied', {
        what: 'a web server cannot be listed',
        hint: 'ask for each key',
      });
    },
  };
}
