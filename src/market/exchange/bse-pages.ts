import type { Listing, PageTwist } from './listing.ts';

const SENSEX_CODE = '16';

/** What BSE's list of an index answers: `TransDate` is the day of the list; an index other than code 16 has no rows. */
export interface BseRequest {
  readonly code: string | null;
  readonly date: string;
  readonly twist: PageTwist;
}

/** BSE's `Codewise_Indices`: JSON, names cut at 30 characters. `renamed` gives table and columns other names. */
export function formatBseJson(listings: readonly Listing[], { code, date, twist }: BseRequest): string {
  const rows = code === SENSEX_CODE && twist !== 'empty' ? listings : [];
  const isRenamed = twist === 'renamed';
  const records = rows.map(({ company, industry }) => ({
    [isRenamed ? 'SecurityId' : 'SCRIP_CODE']: company.bseCode,
    [isRenamed ? 'SecurityName' : 'SCRIPNAME']: company.name.slice(0, 30),
    Industry_name: industry,
    TransDate: `${date}T00:00:00`,
  }));
  return JSON.stringify({ [isRenamed ? 'Data' : 'Table']: records });
}
