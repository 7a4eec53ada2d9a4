import { MarketError } from '../market-error.ts';
import { acceptSensex, unknownIsins } from './accept-sensex.ts';
import { bse } from './bse.ts';
import { investing } from './investing.ts';
import { moneycontrol } from './moneycontrol.ts';
import { loadNseMaster } from './nse-master.ts';
import { wikipedia } from './wikipedia.ts';
import type { Member } from './accept-sensex.ts';
import type { MemberSource, SourceContext, SourceList, SourceName } from './member-source.ts';

const SOURCES: Readonly<Record<SourceName, MemberSource>> = { bse, moneycontrol, investing, wikipedia };

/** The names of all sources, in the order in which they are asked: the publisher of the index first, what anyone may edit last. */
export const SOURCE_NAMES: readonly SourceName[] = ['bse', 'moneycontrol', 'investing', 'wikipedia'];

/** An accepted list of members with the page it was read from. */
export interface LoadedMembers {
  readonly list: SourceList;
  readonly members: readonly Member[];
}

/** `names` are asked in their order; `log` hears why a source was passed over. */
export interface LoadMembersOptions {
  readonly names: readonly SourceName[];
  readonly context: SourceContext;
  readonly log: (message: string) => void;
}

/**
 * The members of the SENSEX from the first source whose list is the SENSEX.
 * A source that cannot be read or shows something else is told to `log` with its code. Error: `source.none` when all fail.
 */
export async function loadMembers({ names, context, log }: LoadMembersOptions): Promise<LoadedMembers> {
  const failures: string[] = [];
  for (const name of names) {
    context.signal.throwIfAborted();
    try {
      const list = await SOURCES[name].load(context);
      const master = unknownIsins(list).length > 0 ? await loadNseMaster(context) : new Map();
      return { list, members: acceptSensex(list, master) };
    } catch (error) {
      if (!(error instanceof MarketError)) throw error;
      failures.push(`${name}: ${error.message} (${error.code})`);
      log(`source ${name} passed over: ${error.message} (${error.code})`);
    }
  }
  throw new MarketError('source.none', `no source gave the members of the SENSEX: ${failures.join('; ')}`);
}
