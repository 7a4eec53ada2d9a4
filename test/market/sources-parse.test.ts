import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { MEMBERS } from '../../src/market/crosswalk.ts';
import { acceptSensex } from '../../src/market/sources/accept-sensex.ts';
import { parseBse } from '../../src/market/sources/bse.ts';
import { checkFragment, checkHeadings } from '../../src/market/sources/headings.ts';
import { parseHtml } from '../../src/market/sources/html.ts';
import { parseInvesting } from '../../src/market/sources/investing.ts';
import { parseMoneycontrolTable, parseStockPage } from '../../src/market/sources/moneycontrol.ts';
import { decodePage } from '../../src/market/sources/page.ts';
import { parseWikipedia } from '../../src/market/sources/wikipedia.ts';
import { listOf } from './sources-lists.ts';
import { recorded, recordedPath } from './recorded.ts';

const escapeHtml = (text: string): string => text.replaceAll('&', '&amp;');

test(
  'the recorded page of another index gives its 50 rows and is refused for its heading',
  recorded,
  async () => {
    const file = recordedPath('index_constituents', 'wikipedia_NIFTY_50_2024-04-27.html');
    const html = await parseHtml(readFileSync(file, 'utf8'));
    assert.throws(() => checkHeadings(html, 'en.wikipedia.org'), {
      code: 'source.not-sensex',
      message: 'en.wikipedia.org: the page is about "NIFTY 50 - Wikipedia", "NIFTY 50"',
    });
    // 21 tables, two of them with the id `constituents`; the second is the history of changes.
    const rows = parseWikipedia(html);
    assert.equal(rows.length, 50);
    assert.deepEqual(rows[0], { name: 'Adani Enterprises', nseSymbol: 'ADANIENT' });
    assert.ok(rows.some(({ nseSymbol }) => nseSymbol === 'BAJAJ-AUTO'));
    assert.ok(rows.some(({ nseSymbol }) => nseSymbol === 'M&M'));
    assert.throws(() => acceptSensex(listOf(rows)), { code: 'source.not-sensex' });
  },
);

test('a Wikipedia table is found by its header under any id, with footnotes, and codes read from text or link', async () => {
  const body = MEMBERS.map(({ name, bseCode }, index) => {
    const cell =
      index % 2 === 0 ? bseCode : `<a href="https://www.bseindia.com/stock/x/y/${bseCode}/">BSE${index}</a>`;
    return `<tr><td>${index + 1}</td><td>${cell}</td><td><a href="/wiki/X">${escapeHtml(name)}</a>[4]</td></tr>`;
  }).join('');
  const html = await parseHtml(`<title>BSE SENSEX - Wikipedia</title>
    <table id="constituents"><tr><th>Date</th><th>Companies added</th></tr>
      <tr><td>24 June 2024</td><td>Adani Ports</td></tr></table>
    <table id="other"><tr><th>#</th><th>Exchange ticker[3]</th><th>Companies</th></tr>${body}</table>`);
  const rows = parseWikipedia(html);
  assert.equal(acceptSensex(listOf(rows)).length, 30);
  assert.equal(rows.find(({ bseCode }) => bseCode === '500520')?.name, 'Mahindra & Mahindra Limited');
});

test('a page without the list says how many tables there were and which header word was missing', async () => {
  const html = await parseHtml('<h1>BSE SENSEX</h1><table><tr><th>Name</th></tr><tr><td>x</td></tr></table>');
  assert.throws(() => parseWikipedia(html), {
    code: 'source.no-table',
    message:
      'en.wikipedia.org: none of 1 tables is the list; the best has 0 rows with a BSE code or symbol in its ticker column, ' +
      'and no header says ticker|symbol|scrip|bse code',
  });
});

test('a table with its header and no rows is empty, not missing', async () => {
  const html = await parseHtml('<h1>SENSEX</h1><table><thead><tr><th>Name</th></tr></thead></table>');
  for (const parse of [parseMoneycontrolTable, parseInvesting]) {
    assert.throws(() => parse(html), { code: 'source.empty' });
  }
  await assert.rejects(parseBse('{"Table":[]}'), { code: 'source.empty' });
});

test('a captcha that comes with status 200 is a block, whatever was asked for', async () => {
  const captcha = '<html><head><title>Just a moment...</title></head><body>Enable JavaScript</body></html>';
  await assert.rejects(parseBse(captcha), { code: 'source.blocked' });
  assert.throws(
    () =>
      checkFragment({ headings: [], tables: [], scripts: new Map(), text: 'Please solve the captcha' }, 'x'),
    {
      code: 'source.blocked',
    },
  );
});

test('the BSE answer is read by column name, and by six-digit codes when the column is renamed', async () => {
  const known = MEMBERS.map(({ bseCode, name }) => ({
    SCRIP_CODE: Number(bseCode),
    SCRIPNAME: name.slice(0, 30),
    TransDate: '2026-03-17T00:00:00',
  }));
  const renamed = MEMBERS.map(({ bseCode, name }) => ({ id: bseCode, LongName: name, weight: '100000.5' }));
  for (const records of [known, renamed]) {
    const rows = await parseBse(JSON.stringify({ Table: records }));
    assert.equal(acceptSensex(listOf(rows)).length, 30);
    assert.equal(rows[0]?.name, MEMBERS[0]?.name.slice(0, records === known ? 30 : 99));
  }
  await assert.rejects(parseBse('{"Table":[{"a":1,"b":"x"}]}'), {
    code: 'source.no-table',
    message: 'www.bseindices.com: no column holds BSE codes; columns are a, b',
  });
  await assert.rejects(parseBse('{"status":"ok"}'), { code: 'source.no-table' });
});

test('a MoneyControl stock page is read by its labels, however its markup separates them', async () => {
  for (const markup of [
    '<ul><li>BSE: 500520</li><li>NSE: M&amp;M</li><li>ISIN: INE101A01026</li></ul>',
    '<table><tr><td>BSE</td><td>500520</td></tr><tr><td>NSE</td><td>M&amp;M</td></tr><tr><td>ISIN</td><td>INE101A01026</td></tr></table>',
  ]) {
    assert.deepEqual(parseStockPage(await parseHtml(markup)), {
      bseCode: '500520',
      nseSymbol: 'M&M',
      isin: 'INE101A01026',
    });
  }
  assert.deepEqual(parseStockPage(await parseHtml('<h1>Page not found</h1>')), {});
});

test('MoneyControl rows are found by their links to stock pages, relative or absolute, once per company', async () => {
  const rows = MEMBERS.map(
    ({ symbol, name }, index) =>
      `<tr><td><a href="${index % 2 === 0 ? 'https://www.moneycontrol.com' : ''}/india/stockpricequote/x/slug-${index}/C${index}">${escapeHtml(name)}</a></td><td>${escapeHtml(symbol)}</td></tr>`,
  );
  const html = await parseHtml(
    `<table class="movers"><tr><td><a href="/india/stockpricequote/x/y/Z9">mover</a></td></tr></table>
     <table id="renamed"><thead><tr><th>Stock</th><th>LTP</th></tr></thead>${rows.join('')}${rows[0] ?? ''}</table>`,
  );
  const found = parseMoneycontrolTable(html);
  assert.equal(found.length, 30);
  assert.deepEqual(found[1], {
    name: MEMBERS[1]?.name,
    code: 'C1',
    url: 'https://www.moneycontrol.com/india/stockpricequote/x/slug-1/C1',
  });
});

test('Investing.com rows carry pair id and tag, without the cid of another listing', async () => {
  const rows = MEMBERS.map(
    ({ name, investingId, investingTag }) =>
      `<tr id="pair_${investingId ?? '1'}"><td></td><td><a href="/equities/${investingTag ?? 'eternal'}?cid=39506" title="${escapeHtml(name)}">x</a></td></tr>`,
  );
  const html = await parseHtml(`<h1>BSE Sensex 30 (BSESN)</h1><table id="renamed">${rows.join('')}</table>`);
  const found = parseInvesting(html);
  assert.equal(found.length, 30);
  assert.deepEqual(
    found.find(({ investingId }) => investingId === '18273'),
    {
      name: 'Mahindra & Mahindra Limited',
      investingId: '18273',
      investingTag: 'mahindra---mahindra',
    },
  );
});

test('Investing.com rows are read from the data of newer pages, whose state may be JSON inside JSON', async () => {
  const collection = MEMBERS.map(({ name, investingId, investingTag }) => ({
    id: investingId ?? '1',
    name,
    url: `/equities/${investingTag ?? 'eternal'}`,
  }));
  const state = { assetsCollectionStore: { assetsCollection: { _collection: collection } } };
  for (const shape of [state, JSON.stringify(state)]) {
    const script = JSON.stringify({ props: { pageProps: { state: shape } } });
    const html = await parseHtml(
      `<h1>BSE Sensex 30</h1><script id="__NEXT_DATA__" type="application/json">${script}</script>`,
    );
    const found = parseInvesting(html);
    assert.equal(found.length, 30);
    assert.equal(found.find(({ investingTag }) => investingTag === 'itc')?.investingId, '18224');
  }
});

test('a page is decoded by its mark, by its zero bytes, by its header, else as UTF-8', () => {
  const text = '<h1>BSE SENSEX · Économie</h1>';
  const le = Buffer.from(text, 'utf16le');
  const be = Buffer.from(le).swap16();
  for (const [bytes, type] of [
    [Buffer.concat([Buffer.from([0xff, 0xfe]), le]), 'text/html; charset=utf-8'],
    [Buffer.concat([Buffer.from([0xfe, 0xff]), be]), ''],
    [le, 'text/html'],
    [be, 'text/html; charset=utf-8'],
    [Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)]), ''],
    [Buffer.from(text, 'latin1'), 'text/html; charset="ISO-8859-1"'],
    [Buffer.from(text), 'text/html; charset=unheard-of'],
    [Buffer.from(text), ''],
  ] as const) {
    assert.equal(decodePage(bytes, type), text);
  }
});
