import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { load } from 'cheerio/slim';
import { MEMBERS } from '../../../src/market/crosswalk.ts';
import { createExchange } from '../../../src/market/exchange/server.ts';
import type { Exchange } from '../../../src/market/exchange/server.ts';

const codes = MEMBERS.map((company) => company.bseCode);
const BSE = '/bseindices/AsiaIndexAPI/api/Codewise_Indices/w';
const TABLE = '/moneycontrol/markets/indian-indices/changeTableData';
const COMPONENTS = '/investing/indices/sensex-components';

let exchange: Exchange;
before(async () => {
  exchange = await createExchange({ liveDay: '2026-03-17' });
});
after(async () => exchange.close());

async function textOf(path: string): Promise<string> {
  const response = await fetch(`${exchange.url}${path}`);
  assert.equal(response.status, 200, path);
  return response.text();
}

test('BSE lists the thirty codes for index 16, names cut at thirty characters, and nothing for another index', async () => {
  const { Table: table } = JSON.parse(await textOf(`${BSE}?code=16`)) as { Table: Record<string, string>[] };
  assert.deepEqual(
    table.map((row) => row['SCRIP_CODE']),
    codes,
  );
  assert.equal(table[0]?.['SCRIPNAME'], 'Adani Ports and Special Econom');
  assert.equal(table[0]['TransDate'], '2026-03-17T00:00:00');
  assert.equal(await textOf(`${BSE}?code=99`), '{"Table":[]}');
});

test('MoneyControl’s table has neither code nor ISIN, but its thirty links lead to pages that have them', async () => {
  const $ = load(await textOf(`${TABLE}?exName=B&indicesID=4&selPage=marketTerminal`));
  const links = $('table#indicesTable tbody tr td:first-child a')
    .toArray()
    .map((link) => new URL($(link).attr('href') ?? '').pathname);
  assert.equal(links.length, 30);
  assert.equal(new Set(links).size, 30);
  for (const [index, link] of links.entries()) {
    const page = load(await textOf(`/moneycontrol${link}`));
    const text = page('body').text();
    const company = MEMBERS[index];
    assert.equal(/BSE: (\d{6})/.exec(text)?.[1], company?.bseCode);
    assert.equal(/NSE: (\S+)/.exec(text)?.[1], company?.symbol);
    assert.equal(/ISIN: (\w{12})/.exec(text)?.[1], company?.isins[0]);
  }
  assert.equal(load(await textOf(`${TABLE}?exName=B&indicesID=9`))('tbody tr').length, 0);
});

test('MoneyControl’s page holds the same table under a heading that names the index', async () => {
  const $ = load(await textOf('/moneycontrol/markets/indian-indices/bse-sensex-4.html'));
  assert.match($('h1').text(), /SENSEX/);
  assert.equal($('div.indices table#indicesTable tbody tr').length, 30);
});

test('Investing’s page lists pair ids and tags', async () => {
  const $ = load(await textOf(COMPONENTS));
  assert.equal($('h1').text(), 'BSE Sensex 30 (BSESN)');
  const rows = $('table#cr1 tbody tr').toArray();
  assert.equal(rows.length, 30);
  for (const [index, row] of rows.entries()) {
    const known = MEMBERS[index];
    if (known?.investingId === undefined) continue;
    assert.equal($(row).attr('id'), `pair_${known.investingId}`);
    const href = $(row).find('td.plusIconTd a').attr('href') ?? '';
    assert.equal(href.replace(/\?.*/, ''), `/equities/${known.investingTag ?? ''}`);
    assert.match($(row).find(`.pid-${known.investingId}-last`).text(), /^\d+\.\d\d$/);
  }
});

test('Investing’s newer page carries the list in its script', async () => {
  const $ = load(await textOf(`${COMPONENTS}?fault=next`));
  assert.equal($('table[data-test="dynamic-table"] tbody tr').length, 30);
  const data = JSON.parse($('script#__NEXT_DATA__').text()) as { props: { pageProps: { state: string } } };
  assert.ok(data.props.pageProps.state.includes('/equities/tata-consultancy-services'));
  assert.equal(typeof JSON.parse(data.props.pageProps.state), 'object');
});

test('Wikipedia’s article has the list first and the changes second under one id', async () => {
  const $ = load(await textOf('/wikipedia/wiki/BSE_SENSEX'));
  const tables = $('table#constituents').toArray();
  assert.equal(tables.length, 2);
  const listed = $(tables[0] ?? assert.fail())
    .find('tr td:nth-child(2)')
    .toArray()
    .map((cell) => $(cell).text());
  assert.deepEqual(listed, codes);
  assert.match($(tables[0] ?? assert.fail()).text(), /Sector\[2\]/);
});

test('NSE’s master list joins every ISIN to its symbol under headers with leading blanks', async () => {
  const [header = '', ...lines] = (await textOf('/nse/content/equities/EQUITY_L.csv')).trim().split('\n');
  const at = header.split(',').indexOf(' ISIN NUMBER');
  assert.notEqual(at, -1);
  const symbols = new Map(lines.map((line) => [line.split(',')[at], line.split(',')[0]]));
  for (const company of MEMBERS) assert.equal(symbols.get(company.isins[0]), company.symbol);
});

test('an empty list keeps its page and a renamed one loses its ids', async () => {
  assert.equal(await textOf(`${BSE}?code=16&fault=empty`), '{"Table":[]}');
  assert.ok(!(await textOf(`${BSE}?code=16&fault=renamed`)).includes('SCRIP_CODE'));
  for (const [path, table] of [
    [`${TABLE}?indicesID=4`, 'table#indicesTable'],
    [COMPONENTS, 'table#cr1'],
    ['/wikipedia/wiki/BSE_SENSEX', 'table#constituents'],
  ] as const) {
    const mark = path.includes('?') ? '&' : '?';
    const empty = load(await textOf(`${path}${mark}fault=empty`));
    assert.equal(empty(table).first().find('td').length, 0, path);
    assert.ok(empty(table).length > 0, path);
    const renamed = load(await textOf(`${path}${mark}fault=renamed`));
    assert.equal(renamed(table).length, 0, path);
    assert.ok(renamed('tr').length >= 30, path);
  }
});
