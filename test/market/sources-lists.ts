import { MEMBERS } from '../../src/market/crosswalk.ts';
import type { SourceList, SourceRow } from '../../src/market/sources/member-source.ts';

/** The present members as a source that prints BSE codes would give them. */
export const memberRows: readonly SourceRow[] = MEMBERS.map(({ name, bseCode }) => ({ name, bseCode }));

/** A list as BSE would give it, with these rows. */
export function listOf(rows: readonly SourceRow[]): SourceList {
  return {
    url: 'https://www.bseindices.com/AsiaIndexAPI/api/Codewise_Indices/w?code=16',
    pageSha256: '0'.repeat(64),
    rows,
  };
}
