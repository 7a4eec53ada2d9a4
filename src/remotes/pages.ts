import type { RemoteConfig } from '../base/remote.ts';
import { remoteFault } from './faults.ts';

/**
 * The pages of a listing, one after the other. `tokenOf` gives what the next one is asked for with, if there is one. A server
 * that gives a token twice would be asked for ever.
 */
export async function* eachPage<Page>(
  config: RemoteConfig,
  ask: (token: string | undefined) => Promise<Page>,
  tokenOf: (page: Page) => string | null | undefined,
): AsyncGenerator<Page, void, undefined> {
  const known = new Set<string>();
  let token: string | undefined;
  for (;;) {
    const page = await ask(token);
    yield page;
    token = tokenOf(page) || undefined;
    if (token === undefined) return;
    if (known.has(token)) {
      throw remoteFault(config, 'unreachable', {
        what: 'a listing has no end: the server leads back to a page that it has given',
        hint: 'look for a cache or proxy in between; when there is none, the server has a fault',
      });
    }
    known.add(token);
  }
}
