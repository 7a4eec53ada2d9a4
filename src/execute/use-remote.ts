import { join } from 'node:path';
import type { Emit } from '../base/event.ts';
import type { Remote, RemoteConfig } from '../base/remote.ts';
import type { Clock } from '../io/clock.ts';
import { keepYoungHeapSmall } from '../io/young-heap.ts';
import { afterFailure } from './after-failure.ts';
import { createWaitTeller } from './tell-waits.ts';

export interface UseRemoteOptions {
  /** The project's root, from which relative folders are meant. */
  readonly root: string;
  /** The environment: the home folder, for urls that begin with `~`, and proxies. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Hears of long waits before another try. */
  readonly emit?: Emit | undefined;
}

/** Opens a remote, does something with it, and closes it whatever happens. Loads its kind when it is used. */
export async function useRemote<T>(
  config: RemoteConfig & { readonly secrets?: readonly string[] },
  { root, env, clock, signal, emit }: UseRemoteOptions,
  act: (remote: Remote) => Promise<T>,
): Promise<T> {
  keepYoungHeapSmall();
  const { openRemote } = await import('../remotes/index.ts');
  const place = { ...config, url: toPlace(config.url, root, env['HOME']) };
  const onRetry = emit && createWaitTeller(emit, clock);
  const remote = await openRemote(place, {
    signal,
    clock,
    random: Math.random,
    root,
    env,
    ...(onRetry && { onRetry }),
  });
  let result: T;
  try {
    result = await act(remote);
  } catch (error) {
    await afterFailure(() => remote.close?.());
    throw error;
  }
  await remote.close?.();
  return result;
}

/** A folder's url becomes an absolute path; anything with a scheme stays. */
function toPlace(url: string, root: string, home: string | undefined): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(url)) return url;
  if (url === '~' || url.startsWith('~/')) return join(home ?? '', url.slice(1));
  return url.startsWith('/') ? url : join(root, url);
}
