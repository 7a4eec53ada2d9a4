import { createClock } from '../../src/io/clock.ts';
import { limit } from '../../src/remotes/limit.ts';
import { retry } from '../../src/remotes/retry.ts';
import { verifyGets, verifyPuts } from '../../src/remotes/verify.ts';
import { configOf } from './bodies.ts';
import { remoteContract } from './contract.ts';
import { createMemoryRemote } from './memory-remote.ts';

remoteContract('memory', {
  async place() {
    const objects = new Map<string, Buffer>();
    const openRaw = async (): Promise<ReturnType<typeof createMemoryRemote>> => createMemoryRemote(objects);
    const decorate = { clock: createClock(), random: () => 0 };
    return {
      openRaw,
      open: async () => verifyGets(retry(limit(verifyPuts(await openRaw())), decorate), configOf('memory:')),
    };
  },
});
