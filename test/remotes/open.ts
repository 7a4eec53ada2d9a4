import type { Remote, RemoteConfig } from '../../src/base/remote.ts';
import { createClock } from '../../src/io/clock.ts';
import { openRemote } from '../../src/remotes/index.ts';
import type { OpenRemoteOptions } from '../../src/remotes/index.ts';

/** Opens a remote as the program does; waits before retries take no time. */
export function open(
  config: RemoteConfig & { readonly secrets?: readonly string[] },
  options: Partial<OpenRemoteOptions> = {},
): Promise<Remote> {
  const clock = { ...createClock(), sleep: async () => undefined };
  return openRemote(config, { signal: new AbortController().signal, clock, random: () => 0, ...options });
}
