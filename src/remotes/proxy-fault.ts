import type { Proxies, RemoteConfig } from '../base/remote.ts';
import { remoteFault } from './faults.ts';

/** The error for a proxy that does not answer. */
export function proxySilent(
  config: RemoteConfig,
  { variable, url }: NonNullable<Proxies['used']>,
  { code, retryable }: { readonly code: string; readonly retryable: boolean },
): Error {
  return remoteFault(config, 'proxy', {
    what: `the proxy ${url}, which ${variable} names, cannot be reached (${code})`,
    retryable,
  });
}

/** The error for a proxy that will not let a request through, when that is what an error says. */
export function proxyRefusal(config: RemoteConfig, error: Error): Error | undefined {
  const { code, statusCode } = error as { readonly code?: unknown; readonly statusCode?: unknown };
  if (code === 'ERR_PROXY_TUNNEL')
    return proxyRefused(config, typeof statusCode === 'number' ? statusCode : undefined);
  // The second of them from Node 25 on, of a request that needs no tunnel.
  const status = /^Proxy (?:response|Authentication Required) \((\d+)\)/.exec(error.message)?.[1];
  return status === undefined ? undefined : proxyRefused(config, Number(status));
}

/** The error for the status with which a proxy refuses; 407 means that it wants to know who asks. */
export function proxyRefused(config: RemoteConfig, status: number | undefined): Error {
  const { url, variable } = config.proxies?.used ?? {};
  const proxy = url === undefined ? 'a proxy' : `the proxy ${url}`;
  if (status === 407) {
    return remoteFault(config, 'proxy', {
      what: `${proxy} asks for a user and a password, or for others (407)`,
      hint: `write them into ${variable ?? 'HTTPS_PROXY'}, as in "http://user:password@host:3128"`,
    });
  }
  return remoteFault(config, 'proxy', {
    what: `${proxy} does not connect to the server (${status ?? 'it broke off'})`,
    retryable: status === undefined || status >= 500,
  });
}
