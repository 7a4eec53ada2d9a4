import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { MEMBERS } from '../../src/market/crosswalk.ts';
import { acceptSensex, unknownIsins } from '../../src/market/sources/accept-sensex.ts';
import { checkFragment, checkHeadings } from '../../src/market/sources/headings.ts';
import { parseHtml } from '../../src/market/sources/html.ts';
import { parseNseMaster } from '../../src/market/sources/nse-master.ts';
import { parseWikipedia } from '../../src/market/sources/wikipedia.ts';
import type { HtmlPage } from '../../src/market/sources/html.ts';
import { listOf, memberRows } from './sources-lists.ts';
import { recorded, recordedPath } from './recorded.ts';

const read = (name: string): string => readFileSync(recordedPath('index_constituents', name), 'utf8');

const refused = (why: RegExp): object => ({ code: 'source.not-sensex', message: why });

test('thirty known members are accepted, in code unit order, with their first ISIN', () => {
  const members = acceptSensex(listOf([...memberRows].reverse()));
  assert.equal(members.length, 30);
  assert.deepEqual(
    members.map(({ symbol }) => symbol),
    members.map(({ symbol }) => symbol).sort(),
  );
  const bank = members.find(({ symbol }) => symbol === 'HDFCBANK');
  assert.equal(bank?.isin, 'INE040A01034');
  assert.equal(members.find(({ symbol }) => symbol === 'INDIGO')?.from, '2025-12-22');
});

test('a list that names its members by symbol alone is accepted like one by code', async () => {
  const lines = MEMBERS.map(
    ({ symbol, name }) => `<tr><td>BSE: ${symbol.replace('&', '&amp;')}</td><td>${name}</td></tr>`,
  );
  const html = await parseHtml(
    `<h1>BSE SENSEX</h1><table><tr><th>Symbol</th><th>Company</th></tr>${lines.join('')}</table>`,
  );
  assert.deepEqual(acceptSensex(listOf(parseWikipedia(html))), acceptSensex(listOf(memberRows)));
  const stranger = { name: 'Nobody Limited', nseSymbol: 'NOBODY' };
  assert.throws(() => acceptSensex(listOf([...memberRows.slice(1), stranger])), refused(/unknown: Nobody/));
});

test('a placeholder of a demerger is dropped and a repeated member counts once, and both are told', () => {
  const rows = [
    ...memberRows,
    { name: 'Dummy ITC Ltd.', nseSymbol: 'DUMMYITC', isin: 'DUM154A01025' },
    memberRows[0] ?? { name: '' },
  ];
  const heard: string[] = [];
  const members = acceptSensex(listOf(rows), new Map(), (message) => heard.push(message));
  assert.equal(members.length, 30);
  assert.deepEqual(heard, [
    'dropped as placeholders: Dummy ITC Ltd.',
    `counted once, though repeated: ${memberRows[0]?.name}`,
  ]);
});

test('a list with too few or with unknown members is not the SENSEX', () => {
  assert.throws(() => acceptSensex(listOf(memberRows.slice(1))), refused(/29 members instead of 30/));
  const unknown = [...memberRows.slice(1), { name: 'Nobody Limited', bseCode: '599999' }];
  assert.throws(() => acceptSensex(listOf(unknown)), refused(/unknown: Nobody Limited/));
});

test('an ISIN that the crosswalk lacks becomes a member through the NSE list, series EQ only', () => {
  const master = parseNseMaster(
    [
      'SYMBOL,NAME OF COMPANY, SERIES, DATE OF LISTING, PAID UP VALUE, MARKET LOT, ISIN NUMBER, FACE VALUE',
      'NEWCO,New Company Limited,EQ,01-JAN-2020,1,1,INE999Z01012,1',
      'NEWCOBE,New Company Limited,BE,01-JAN-2020,1,1,INE998Z01014,1',
    ].join('\n'),
  );
  const joined = { name: 'New Company', isin: 'INE999Z01012', bseCode: '599998' };
  const list = listOf([...memberRows.slice(1), joined]);
  assert.deepEqual(unknownIsins(list), ['INE999Z01012']);
  assert.deepEqual(
    acceptSensex(list, master).find(({ symbol }) => symbol === 'NEWCO'),
    { symbol: 'NEWCO', name: 'New Company Limited', bseCode: '599998', isin: 'INE999Z01012' },
  );
  assert.equal(master.has('INE998Z01014'), false);
});

test('six new members at once are a list that changed a lot, five are not', () => {
  const strangers = Array.from({ length: 6 }, (_, index) => ({
    name: `New ${index}`,
    isin: `INE99${index}Z01010`,
  }));
  const master = new Map(strangers.map(({ name, isin }, index) => [isin, { symbol: `NEW${index}`, name }]));
  assert.throws(
    () => acceptSensex(listOf([...memberRows.slice(6), ...strangers]), master),
    refused(/changed a lot: only 24/),
  );
  assert.equal(acceptSensex(listOf([...memberRows.slice(5), ...strangers.slice(1)]), master).length, 30);
});

test('headings name the SENSEX only when they mean the index of 30, and only a fragment may have none', () => {
  const page = (...headings: string[]): HtmlPage => ({ headings, tables: [], scripts: new Map(), text: '' });
  for (const heading of ['BSE SENSEX', 'S&P BSE Sensex Index', 'BSE Sensex 30 (BSESN)']) {
    checkHeadings(page('Markets', heading), 'x');
  }
  for (const heading of ['NIFTY 50', 'BSE SENSEX 50', 'BSE Sensex Next 30', 'Sensexy stocks']) {
    for (const check of [checkHeadings, checkFragment]) {
      assert.throws(
        () => check(page(heading), 'x'),
        refused(new RegExp(`^x: the page is about "${heading}"$`)),
      );
    }
  }
  assert.throws(() => checkHeadings(page(), 'x'), refused(/^x: the page has no heading/));
  checkFragment(page(), 'x');
});

test('a NSE list without its columns is told as such', () => {
  assert.throws(() => parseNseMaster('<html><body>Access Denied</body></html>'), {
    code: 'source.no-table',
    message: 'archives.nseindia.com: the list has no column SYMBOL',
  });
});

test('the recorded NSE list, with blanks in its header, knows a company by its ISIN', recorded, () => {
  const master = parseNseMaster(read('nse_EQUITY_L_2025-07.csv'));
  assert.deepEqual(master.get('INE101A01026'), { symbol: 'M&M', name: 'Mahindra & Mahindra Limited' });
  // Rows of other series are no symbols of the cash market: 20MICRONS stood in BE that day.
  assert.equal(
    [...master.values()].some(({ symbol }) => symbol === '20MICRONS'),
    false,
  );
});

test('the recorded NIFTY list with its placeholder row is refused for its members', recorded, () => {
  const rows = read('ind_nifty50list_2025-02.csv')
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map((line) => line.split(','))
    .map(([name = '', , nseSymbol = '', , isin = '']) => ({ name, nseSymbol, isin }));
  assert.equal(rows.length, 51);
  assert.ok(rows.some(({ isin }) => isin === 'DUM154A01025'));
  const master = parseNseMaster(read('nse_EQUITY_L_2025-07.csv'));
  assert.throws(() => acceptSensex(listOf(rows), master), {
    code: 'source.not-sensex',
    message: /\(of 50 members these are unknown: Shriram Finance Ltd\.\)$/,
  });
});

test('the recorded SENSEX table of 2020 is refused, for members have left since', recorded, () => {
  const rows = read('Sensex-Info.csv')
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map((line) => line.split(','))
    .map(([, , bseCode = '', name = '']) => ({ name, bseCode }));
  assert.equal(rows.length, 30);
  assert.throws(
    () => acceptSensex(listOf(rows)),
    refused(/unknown: Bajaj Auto, Hero MotoCorp, Housing Development Finance Corporation, Oil and/),
  );
});
