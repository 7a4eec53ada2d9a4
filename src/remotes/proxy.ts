import type { Proxies, RemoteConfig } from '../base/remote.ts';
import { remoteFault } from './faults.ts';
import { serverAddress } from './server-address.ts';

/** The value of an environment variable; `undefined` when it is not set. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** This machine's own servers are behind no proxy. */
const LOOPBACK = 'localhost,127.0.0.1,::1,[::1]';

/**
 * The proxies that the environment names, and which of them stands before a remote; `undefined` for a folder and where
 * none is named. Throws `remote.proxy` when the one that would be used is no url of a proxy.
 */
export function proxiesFor(config: RemoteConfig, env: Variables): Proxies | undefined {
  const address = serverAddress(config);
  if (address === undefined || !URL.canParse(address)) return undefined;
  const names = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY'];
  const set = names.flatMap((name): [string, string][] => {
    const value = env[name];
    return value === undefined || value === '' ? [] : [[name, value]];
  });
  const proxies = set.filter(([name]) => !/^no_/i.test(name));
  if (proxies.length === 0) return undefined;
  const target = new URL(address);
  const own = target.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  const [variable, value] = proxies.find(([name]) => name.toLowerCase() === own) ?? [];
  const exceptions = `${env['no_proxy'] || env['NO_PROXY'] || ''},${LOOPBACK}`;
  const isUsed = value !== undefined && !isExcepted(target, exceptions);
  return {
    env: { ...Object.fromEntries(proxies.filter(([, url]) => isProxy(url))), no_proxy: exceptions },
    ...(isUsed && variable !== undefined && { used: { variable, url: shown(config, variable, value) } }),
    secrets: proxies.flatMap(([, url]) => secretsOf(url)),
  };
}

/** The url without user and password. */
function shown(config: RemoteConfig, variable: string, value: string): string {
  if (!isProxy(value)) {
    throw remoteFault(config, 'proxy', {
      what: `${variable} is not the url of a proxy that can be used`,
      hint: 'write it as in "http://host:3128", or "http://user:password@host:3128"',
    });
  }
  const { protocol, host } = new URL(value);
  return `${protocol}//${host}`;
}

function isProxy(value: string): boolean {
  return /^https?:\/\/[^/]/i.test(value) && URL.canParse(value);
}

/** Whether `NO_PROXY` names a host: `*`, a host, a domain (`.example.org`, `*.example.org`), each with or without a port. */
function isExcepted({ hostname, port, protocol }: URL, list: string): boolean {
  const ownPort = port || (protocol === 'https:' ? '443' : '80');
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === '*') return true;
      const [, name = '', only] = /^\*?(.*?)(?::(\d+))?$/.exec(entry) ?? [];
      if (name === '' || (only !== undefined && only !== ownPort)) return false;
      return hostname === name.replace(/^\./, '') || (name.startsWith('.') && hostname.endsWith(name));
    });
}

/** A password as it stands in the url, as it is meant, and as a header carries it. */
function secretsOf(value: string): readonly string[] {
  const [, user = '', password = ''] = /^(?:[a-z]+:\/\/)?([^/@:]*):([^/]*)@/i.exec(value) ?? [];
  if (password === '') return [];
  const plain = decoded(password);
  return [password, plain, Buffer.from(`${decoded(user)}:${plain}`).toString('base64')];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}

/**
 * Sends what is asked by `fetch` and by Node's own agents through the proxies until the returned function is called.
 * Node before 24.14 cannot; there `NODE_USE_ENV_PROXY=1` does the same for `fetch`.
 */
export async function useProxies({ env }: Proxies): Promise<() => void> {
  const { default: http } = await import('node:http');
  const set = (http as Partial<typeof http>).setGlobalProxyFromEnv;
  return set?.(env) ?? ((): void => undefined);
}
