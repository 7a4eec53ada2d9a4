import type { OpenRemote, Remote, RemoteConfig, RemoteTools } from '../../src/base/remote.ts';
import { createClock } from '../../src/io/clock.ts';
import { openRemote } from '../../src/remotes/index.ts';
import type { OpenRemoteOptions } from '../../src/remotes/index.ts';

/** Opens a remote as the program does; waits before retries take no time. */
export function open(config: RemoteConfig, options: Partial<OpenRemoteOptions> = {}): Promise<Remote> {
  const clock = { ...createClock(), sleep: async () => undefined };
  const { signal } = new AbortController();
  return openRemote(config, { signal, clock, random: () => 0, root: '/', env: {}, ...options });
}

/** Opens a remote itself, which believes what it is given; its steps are tried once. */
export function openRaw(
  kind: OpenRemote,
  config: RemoteConfig,
  tryAgain: RemoteTools['tryAgain'] = (_, call) => call(),
): Promise<Remote> {
  return kind(config, { tryAgain, learn: () => undefined });
}
