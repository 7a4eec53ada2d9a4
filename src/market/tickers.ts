import { addDays } from '../base/session.ts';
import { MarketError } from './market-error.ts';
import type { UniverseRequest } from './fetch-run.ts';
import { loadMembers } from './sources/load-members.ts';
import type { SourceContext, SourceName } from './sources/member-source.ts';
import type { TickersFile, TickerMember } from './tickers-file.ts';

/** What `buildTickers` needs. */
export interface BuildTickersOptions extends Pick<UniverseRequest, 'yahoo' | 'log' | 'progress'> {
  readonly context: SourceContext;
  /** Sources in the order in which they are asked. */
  readonly sources: readonly SourceName[];
  /** Local date of the tick in `zone`. */
  readonly asOf: string;
  readonly zone: string;
  readonly minValidated: number;
}

/** Long enough to hold a session whatever holidays fall into it. */
const LOOK_BACK_DAYS = 30;

/**
 * The universe of the run: the members of the SENSEX, each checked against the chart API.
 * A member that the API does not know stays with `validated: false` and the reason. Errors: `source.none` when no source gave the
 * list, `tickers.unvalidated` when fewer than `minValidated` are known.
 */
export async function buildTickers(options: BuildTickersOptions): Promise<TickersFile> {
  const { context, sources, asOf, minValidated, log, progress } = options;
  const { name, list, members } = await loadMembers({ names: sources, context, log });
  let done = 0;
  const checked = await Promise.all(
    members.map(async (member): Promise<TickerMember> => {
      const symbol = `${member.symbol}.NS`;
      const reason = await findReason(symbol, options);
      done += 1;
      progress({ done, total: members.length, label: symbol });
      return {
        symbol,
        name: member.name,
        bse_code: member.bseCode,
        isin: member.isin,
        validated: reason === undefined,
        ...(reason === undefined ? {} : { reason }),
        from: member.from ?? null,
        to: member.to ?? null,
      };
    }),
  );
  const refused = checked.filter(({ validated }) => !validated);
  for (const { symbol, reason } of refused) log(`${symbol} is not validated: ${reason ?? ''}`);
  const validated = checked.length - refused.length;
  if (validated < minValidated) {
    throw new MarketError(
      'tickers.unvalidated',
      `only ${validated} of ${checked.length} members are known to the chart API, ${minValidated} are needed; ` +
        `first: ${refused[0]?.symbol ?? ''}: ${refused[0]?.reason ?? ''}`,
      { retryable: true },
    );
  }
  return {
    source: context.http.source,
    list: name,
    url: list.url,
    page_sha256: list.pageSha256,
    as_of: asOf,
    members: checked,
  };
}

async function findReason(symbol: string, options: BuildTickersOptions): Promise<string | undefined> {
  const { yahoo, asOf, zone } = options;
  try {
    const { series } = await yahoo.chart(symbol, { from: addDays(asOf, -LOOK_BACK_DAYS), to: asOf, zone });
    return series.dates.length > 0 ? undefined : `no bar within ${LOOK_BACK_DAYS} days`;
  } catch (error) {
    if (!(error instanceof MarketError)) throw error;
    return `${error.message} (${error.code})`;
  }
}
