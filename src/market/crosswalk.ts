/**
 * One company that is or was a member of the SENSEX, under every name the sources give it.
 * `symbol` is the NSE symbol without `.NS`; `bseCode` the six digits of BSE; `isins` the present one first, then those before a
 * split; `investingId` and `investingTag` name its page at Investing.com. `from` is the first day of membership where it lies
 * inside the known changes, `to` the first day it is no longer a member (ISO dates, `to` exclusive).
 */
export interface Company {
  readonly symbol: string;
  readonly name: string;
  readonly bseCode: string;
  readonly isins: readonly string[];
  readonly investingId?: string;
  readonly investingTag?: string;
  readonly from?: string;
  readonly to?: string;
}

/**
 * The SENSEX membership as a table: the 30 members since 2025-12-22 and the five that left since 2024-06-24, by code unit of symbol.
 * Changes before 2024-06-24 are not in it. Sources: BSE's list of group A, NSE's EQUITY_L,
 * Investing.com's list of Indian stocks, BSE's announcements of index changes; only the code of ETERNAL has not been seen in a recorded list.
 */
export const SENSEX: readonly Company[] = [
  {
    symbol: 'ADANIPORTS',
    name: 'Adani Ports and Special Economic Zone Limited',
    bseCode: '532921',
    isins: ['INE742F01042'],
    investingId: '18294',
    investingTag: 'mundra-port-special-eco.-zone',
    from: '2024-06-24',
  },
  {
    symbol: 'ASIANPAINT',
    name: 'Asian Paints Limited',
    bseCode: '500820',
    isins: ['INE021A01026'],
    investingId: '18011',
    investingTag: 'asian-paints',
  },
  {
    symbol: 'AXISBANK',
    name: 'Axis Bank Limited',
    bseCode: '532215',
    isins: ['INE238A01034'],
    investingId: '18017',
    investingTag: 'axis-bank',
  },
  {
    symbol: 'BAJAJFINSV',
    name: 'Bajaj Finserv Limited',
    bseCode: '532978',
    isins: ['INE918I01026', 'INE918I01018'],
    investingId: '18023',
    investingTag: 'bajaj-finserv-limited',
  },
  {
    symbol: 'BAJFINANCE',
    name: 'Bajaj Finance Limited',
    bseCode: '500034',
    isins: ['INE296A01024'],
    investingId: '18022',
    investingTag: 'bajaj-finance',
  },
  {
    symbol: 'BEL',
    name: 'Bharat Electronics Limited',
    bseCode: '500049',
    isins: ['INE263A01024'],
    investingId: '18043',
    investingTag: 'bharat-electronics',
    from: '2025-06-23',
  },
  {
    symbol: 'BHARTIARTL',
    name: 'Bharti Airtel Limited',
    bseCode: '532454',
    isins: ['INE397D01024'],
    investingId: '18041',
    investingTag: 'bharti-airtel',
  },
  {
    symbol: 'ETERNAL',
    name: 'Eternal Limited',
    bseCode: '543320',
    isins: ['INE758T01015'],
    from: '2024-12-23',
  },
  {
    symbol: 'HCLTECH',
    name: 'HCL Technologies Limited',
    bseCode: '532281',
    isins: ['INE860A01027'],
    investingId: '18176',
    investingTag: 'hcl-technologies',
  },
  {
    symbol: 'HDFCBANK',
    name: 'HDFC Bank Limited',
    bseCode: '500180',
    isins: ['INE040A01034', 'INE040A01026'],
    investingId: '18177',
    investingTag: 'hdfc-bank-ltd',
  },
  {
    symbol: 'HINDUNILVR',
    name: 'Hindustan Unilever Limited',
    bseCode: '500696',
    isins: ['INE030A01027'],
    investingId: '18185',
    investingTag: 'hindustan-unilever',
  },
  {
    symbol: 'ICICIBANK',
    name: 'ICICI Bank Limited',
    bseCode: '532174',
    isins: ['INE090A01021'],
    investingId: '18198',
    investingTag: 'icici-bank-ltd',
  },
  {
    symbol: 'INDIGO',
    name: 'InterGlobe Aviation Limited',
    bseCode: '539448',
    isins: ['INE646L01027'],
    investingId: '961701',
    investingTag: 'interglobe-aviation-ltd',
    from: '2025-12-22',
  },
  {
    symbol: 'INDUSINDBK',
    name: 'IndusInd Bank Limited',
    bseCode: '532187',
    isins: ['INE095A01012'],
    investingId: '18215',
    investingTag: 'indusind-bank',
    to: '2025-06-23',
  },
  {
    symbol: 'INFY',
    name: 'Infosys Limited',
    bseCode: '500209',
    isins: ['INE009A01021'],
    investingId: '18217',
    investingTag: 'infosys',
  },
  {
    symbol: 'ITC',
    name: 'ITC Limited',
    bseCode: '500875',
    isins: ['INE154A01025'],
    investingId: '18224',
    investingTag: 'itc',
  },
  {
    symbol: 'JSWSTEEL',
    name: 'JSW Steel Limited',
    bseCode: '500228',
    isins: ['INE019A01038'],
    investingId: '18226',
    investingTag: 'jsw-steel',
    to: '2024-12-23',
  },
  {
    symbol: 'KOTAKBANK',
    name: 'Kotak Mahindra Bank Limited',
    bseCode: '500247',
    isins: ['INE237A01028'],
    investingId: '18260',
    investingTag: 'kotak-mahindra-bank',
  },
  {
    symbol: 'LT',
    name: 'Larsen & Toubro Limited',
    bseCode: '500510',
    isins: ['INE018A01030'],
    investingId: '18268',
    investingTag: 'larsen---toubro',
  },
  {
    symbol: 'M&M',
    name: 'Mahindra & Mahindra Limited',
    bseCode: '500520',
    isins: ['INE101A01026'],
    investingId: '18273',
    investingTag: 'mahindra---mahindra',
  },
  {
    symbol: 'MARUTI',
    name: 'Maruti Suzuki India Limited',
    bseCode: '532500',
    isins: ['INE585B01010'],
    investingId: '18277',
    investingTag: 'maruti-suzuki-india',
  },
  {
    symbol: 'NESTLEIND',
    name: 'Nestle India Limited',
    bseCode: '500790',
    isins: ['INE239A01024', 'INE239A01016'],
    investingId: '30059',
    investingTag: 'nestle',
    to: '2025-06-23',
  },
  {
    symbol: 'NTPC',
    name: 'NTPC Limited',
    bseCode: '532555',
    isins: ['INE733E01010'],
    investingId: '18297',
    investingTag: 'ntpc',
  },
  {
    symbol: 'POWERGRID',
    name: 'Power Grid Corporation of India Limited',
    bseCode: '532898',
    isins: ['INE752E01010'],
    investingId: '18342',
    investingTag: 'power-grid-corp.-of-india',
  },
  {
    symbol: 'RELIANCE',
    name: 'Reliance Industries Limited',
    bseCode: '500325',
    isins: ['INE002A01018'],
    investingId: '18367',
    investingTag: 'reliance-industries',
  },
  {
    symbol: 'SBIN',
    name: 'State Bank of India',
    bseCode: '500112',
    isins: ['INE062A01020'],
    investingId: '18376',
    investingTag: 'state-bank-of-india',
  },
  {
    symbol: 'SUNPHARMA',
    name: 'Sun Pharmaceutical Industries Limited',
    bseCode: '524715',
    isins: ['INE044A01036'],
    investingId: '18405',
    investingTag: 'sun-pharma-advanced-research',
  },
  {
    symbol: 'TATASTEEL',
    name: 'Tata Steel Limited',
    bseCode: '500470',
    isins: ['INE081A01020', 'INE081A01012'],
    investingId: '18428',
    investingTag: 'tata-steel',
  },
  {
    symbol: 'TCS',
    name: 'Tata Consultancy Services Limited',
    bseCode: '532540',
    isins: ['INE467B01029'],
    investingId: '18420',
    investingTag: 'tata-consultancy-services',
  },
  {
    symbol: 'TECHM',
    name: 'Tech Mahindra Limited',
    bseCode: '532755',
    isins: ['INE669C01036'],
    investingId: '18429',
    investingTag: 'tech-mahindra',
  },
  {
    symbol: 'TITAN',
    name: 'Titan Company Limited',
    bseCode: '500114',
    isins: ['INE280A01028'],
    investingId: '18433',
    investingTag: 'titan-industries',
  },
  {
    symbol: 'TMPV',
    name: 'Tata Motors Passenger Vehicles Limited',
    bseCode: '500570',
    isins: ['INE155A01022'],
    investingId: '18425',
    investingTag: 'tata-motors-ltd',
    to: '2025-12-22',
  },
  {
    symbol: 'TRENT',
    name: 'Trent Limited',
    bseCode: '500251',
    isins: ['INE849A01020'],
    investingId: '18437',
    investingTag: 'trent',
    from: '2025-06-23',
  },
  {
    symbol: 'ULTRACEMCO',
    name: 'UltraTech Cement Limited',
    bseCode: '532538',
    isins: ['INE481G01011'],
    investingId: '18445',
    investingTag: 'ultratech-cement',
  },
  {
    symbol: 'WIPRO',
    name: 'Wipro Limited',
    bseCode: '507685',
    isins: ['INE075A01022'],
    investingId: '18467',
    investingTag: 'wipro-ltd',
    to: '2024-06-24',
  },
];

/** The 30 present members: those that have not left. */
export const MEMBERS: readonly Company[] = SENSEX.filter(({ to }) => to === undefined);

/** What a source may call a company by, as text. */
export interface CompanyKeys {
  readonly bseCode?: string;
  /** The present one, or one from before a split. */
  readonly isin?: string;
  /** Investing.com's pair id (digits), and the tag of its page: the part after `/equities/`, without `?cid=`. */
  readonly investingId?: string;
  readonly investingTag?: string;
  /** `M&M`, without `.NS`. */
  readonly nseSymbol?: string;
}

/** The company that one of these keys belongs to, or undefined; where they disagree the order of {@link CompanyKeys} decides. */
export function companyOf(keys: CompanyKeys): Company | undefined {
  const { bseCode, isin, investingId, investingTag, nseSymbol } = keys;
  const find = (key: string | undefined, namesOf: (company: Company) => readonly unknown[]) =>
    key === undefined ? undefined : SENSEX.find((company) => namesOf(company).includes(key));
  return (
    find(bseCode, (company) => [company.bseCode]) ??
    find(isin, (company) => company.isins) ??
    find(investingId, (company) => [company.investingId]) ??
    find(investingTag, (company) => [company.investingTag]) ??
    find(nseSymbol, (company) => [company.symbol])
  );
}

/** The company with this name, or undefined; letter case, punctuation and `Limited` or `Ltd` at the end do not count. */
export function companyByName(name: string): Company | undefined {
  const wanted = toComparable(name);
  return SENSEX.find((company) => toComparable(company.name) === wanted);
}

function toComparable(name: string): string {
  return name
    .toLowerCase()
    .replaceAll('&', ' and ')
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()
    .replace(/ (?:limited|ltd)$/, '');
}
