import { MarketError } from '../market-error.ts';
import { acceptSensex, unknownIsins } from './accept-sensex.ts';
import { bse } from './bse.ts';
import { investing } from './investing.ts';
import { moneycontrol } from './moneycontrol.ts';
import { loadNseMaster } from './nse-master.ts';
import { wikipedia } from './wikipedia.ts';
import type { Member } from './accept-sensex.ts';
import type { MemberSource, Page, SourceContext, SourceList, SourceName } from './member-source.ts';

const SOURCES: Readonly<Record<SourceName, MemberSource>> = { bse, moneycontrol, investing, wikipedia };

/** An accepted list of members with the source and the page it was read from. */
export interface LoadedMembers {
  readonly name: SourceName;
  readonly list: SourceList;
  readonly members: readonly Member[];
}

/** `names` are asked in their order; `log` hears why a source was passed over, and which rows of the accepted one do not count. */
export interface LoadMembersOptions {
  readonly names: readonly SourceName[];
  readonly context: SourceContext;
  readonly log: (message: string) => void;
}

/**
 * The members of the SENSEX from the first source whose list is the SENSEX.
 * A source that cannot be read or shows something else is told to `log` with its code and the beginning of
 * the last page it gave. Error: `source.none` when all fail.
 */
export async function loadMembers({ names, context, log }: LoadMembersOptions): Promise<LoadedMembers> {
  const failures: string[] = [];
  for (const name of names) {
    context.signal.throwIfAborted();
    let last: Page | undefined;
    const watched: SourceContext = {
      ...context,
      onPage: (page) => {
        last = page;
      },
    };
    try {
      const list = await SOURCES[name](watched);
      const master = unknownIsins(list).length > 0 ? await loadNseMaster(context) : new Map();
      const members = acceptSensex(list, master, (message) => {
        log(`source ${name}: ${message}`);
      });
      return { name, list, members };
    } catch (error) {
      if (!(error instanceof MarketError)) throw error;
      failures.push(`${name}: ${error.message} (${error.code})`);
      log(`source ${name} passed over: ${error.message} (${error.code})`);
      if (last !== undefined) log(describePage(last));
    }
  }
  throw new MarketError('source.none', `no source gave the members of the SENSEX: ${failures.join('; ')}`, {
    retryable: true,
  });
}

// Sites change without notice; the beginning of what came instead is what one needs to mend a parser.
function describePage({ url, sha256, text }: Page): string {
  const beginning = JSON.stringify(text.slice(0, 300));
  return `last page read: ${url}, ${text.length} characters, sha256 ${sha256.slice(0, 16)}…, begins ${beginning}`;
}
