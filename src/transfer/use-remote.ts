import { join, resolve } from 'node:path';
import type { Emit } from '../base/event.ts';
import { isInside } from '../base/path.ts';
import type { Remote, RemoteConfig } from '../base/remote.ts';
import type { RelPath } from '../base/types.ts';
import { closing } from '../execute/after-failure.ts';
import type { OpenProject } from '../execute/open-project.ts';
import { elapsedMs } from '../io/clock.ts';
import { keepYoungHeapSmall } from '../io/young-heap.ts';
import { parseAddress } from '../remotes/address.ts';
import { remoteFault } from '../remotes/faults.ts';
import { createWaitTeller } from './tell-waits.ts';

/** Relative folders are meant from the root; of the environment count the home folder, for urls that begin with `~`, and proxies. */
export interface UseRemoteOptions extends Pick<OpenProject, 'root' | 'env' | 'clock' | 'signal'> {
  /** Outs and data: no remote may lie in one. */
  readonly taken: readonly RelPath[];
  /** Hears of long waits before another try. */
  readonly emit?: Emit | undefined;
}

/** Opens a remote, does something with it, and closes it whatever happens. Loads its kind when it is used. */
export async function useRemote<T>(
  config: RemoteConfig,
  { root, env, taken, signal, emit, ...options }: UseRemoteOptions,
  act: (remote: Remote) => Promise<T>,
): Promise<T> {
  keepYoungHeapSmall();
  // How long to wait is no question of what the clock says, which LOCKSTEP_NOW may have stopped.
  const clock = { ...options.clock, now: elapsedMs };
  const { openRemote } = await import('../remotes/index.ts');
  const place = { ...config, url: toPlace(config, { root, home: env['HOME'], taken }) };
  const onRetry = emit && createWaitTeller(emit, clock);
  const remote = await openRemote(place, {
    signal,
    clock,
    random: Math.random,
    root,
    env,
    ...(onRetry && { onRetry }),
  });
  return closing(
    () => act(remote),
    () => remote.close?.(),
  );
}

interface Surroundings extends Pick<UseRemoteOptions, 'root' | 'taken'> {
  readonly home: string | undefined;
}

/**
 * A folder's url becomes an absolute path; anything with a scheme stays. Throws `remote.option` for a url that means no
 * place, and for a folder whose objects would lie among the project's own files, or nobody knows where.
 */
export function toPlace(config: RemoteConfig, { root, home, taken }: Surroundings): string {
  const { url } = config;
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(url)) {
    if (!/^https?:/i.test(url)) parseAddress(config);
    return url;
  }
  const path = url === '~' || url.startsWith('~/') ? belowHome(config, home) : url;
  const place = resolve(root, path);
  const mixed = ['.lockstep', ...taken].find((own) => isInside(place, join(root, own)));
  if (place !== root && mixed === undefined) return place;
  throw remoteFault(config, 'option', {
    what: mixed === undefined ? 'its folder is the project itself' : `its folder lies in "${mixed}"`,
    hint: 'give it a folder that nothing else is kept in, such as "../store"',
  });
}

function belowHome(config: RemoteConfig, home: string | undefined): string {
  if (home) return join(home, config.url.slice(1));
  throw remoteFault(config, 'option', {
    what: 'its url begins with "~", and HOME is not set',
    hint: 'set HOME, or write the whole path',
  });
}
