import { isAbsolute, join } from 'node:path';
import { relPathFault } from '../base/path.ts';
import { SCHEMES } from '../base/remote.ts';
import type { OpenRemote, Remote, RemoteConfig, Scheme, TryAgain } from '../base/remote.ts';
import { didYouMean } from '../base/text.ts';
import type { Json } from '../base/types.ts';
import type { Clock } from '../io/clock.ts';
import { discreet, discreetTries, redactorFor, withoutSecrets } from './discreet.ts';
import { remoteFault } from './faults.ts';
import { limit } from './limit.ts';
import { proxiesFor, useProxies } from './proxy.ts';
import type { Variables } from './proxy.ts';
import { retry, withRetry } from './retry.ts';
import type { RetryNotice } from './retry.ts';
import { schemeOf } from './server-address.ts';
import { verifyGets, verifyPuts } from './verify.ts';

/** What opening a remote needs from outside. */
export interface OpenRemoteOptions {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Uniform in [0, 1); spreads the waits before retries. */
  readonly random: () => number;
  /** Told before each wait for another try. */
  readonly onRetry?: (notice: RetryNotice) => void;
  /** Relative paths in options are resolved against it. */
  readonly root: string;
  /** The environment, for the variables that name proxies. */
  readonly env: Variables;
}

/** Loads one kind of remote. */
type Load = () => Promise<{ readonly default: OpenRemote }>;

const loadHttp: Load = () => import('./http.ts');

/** One file per kind of remote, by the schemes of its urls; nothing of it, its SDK above all, is loaded before it is opened. */
const BY_SCHEME: Readonly<Record<Scheme, Load>> = {
  gs: () => import('./gcs.ts'),
  gdrive: () => import('./gdrive.ts'),
  s3: () => import('./s3.ts'),
  azure: () => import('./azure.ts'),
  http: loadHttp,
  https: loadHttp,
};

/** Options that name a file. */
const PATH_OPTIONS: readonly string[] = ['credentials', 'client', 'token_file'];

/**
 * Opens the remote that a url's scheme names. What it gives back tries again what may succeed later, keeps to
 * `limits.concurrency` (option `jobs`), hashes streams of objects while they run and tells no secret in an error.
 * Throws `remote.unknown-scheme`, `remote.option` and what the remote itself finds (`remote.credentials`, …).
 */
export async function openRemote(given: RemoteConfig, options: OpenRemoteOptions): Promise<Remote> {
  const load = loaderFor(given);
  const proxies = proxiesFor(given, options.env);
  const config = { ...withPaths(given, options.root), ...(proxies && { proxies }) };
  const redactor = redactorFor(config);
  const retrying = { ...options, quiet: { untilMs: 0 } };
  const tryAgain: TryAgain = (signal, call) => withRetry({ ...retrying, signal }, call);
  options.signal.throwIfAborted();
  const restore = proxies && (await useProxies(proxies));
  let remote: Remote;
  try {
    const { default: open } = await load();
    remote = await open(config, { tryAgain: discreetTries(tryAgain, redactor), learn: redactor.learn });
  } catch (error) {
    restore?.();
    options.signal.throwIfAborted();
    throw withoutSecrets(error, redactor);
  }
  const careful = verifyGets(retry(limit(verifyPuts(discreet(remote, redactor))), retrying), config);
  return checkKeys({
    ...careful,
    async close() {
      try {
        await remote.close?.();
      } finally {
        restore?.();
      }
    },
  });
}

function loaderFor(config: RemoteConfig): Load {
  const scheme = schemeOf(config.url);
  if (scheme === undefined) {
    if (isAbsolute(config.url)) return () => import('./folder.ts');
    throw remoteFault(config, 'option', { what: `"${config.url}" is neither a url nor an absolute folder` });
  }
  if (Object.hasOwn(BY_SCHEME, scheme)) return BY_SCHEME[scheme as Scheme];
  throw remoteFault(config, 'unknown-scheme', {
    what: `no remote is known for "${scheme}:"`,
    hint: didYouMean(scheme, SCHEMES),
  });
}

function withPaths(config: RemoteConfig, root: string): RemoteConfig {
  const resolved = ([name, value]: [string, Json]): [string, Json] =>
    PATH_OPTIONS.includes(name) && typeof value === 'string' && !isAbsolute(value) && !value.startsWith('~/')
      ? [name, join(root, value)]
      : [name, value];
  return { ...config, options: Object.fromEntries(Object.entries(config.options).map(resolved)) };
}

/** A key that leaves its place would be a bug of ours, and must not become a file outside a folder. */
function checkKeys(remote: Remote): Remote {
  const check = (key: string): string => {
    const fault = relPathFault(key);
    if (fault !== undefined) throw new TypeError(`the key ${JSON.stringify(key)} ${fault}`);
    return key;
  };
  return {
    ...remote,
    head: async (key, signal) => remote.head(check(key), signal),
    get: async (key, signal) => remote.get(check(key), signal),
    put: async (key, body, signal) => remote.put(check(key), body, signal),
    remove: async (key, signal) => remote.remove(check(key), signal),
  };
}
