import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MEMBERS } from '../../src/market/crosswalk.ts';
import { SOURCE_NAMES, type SourceName } from '../../src/market/sources/member-source.ts';
import { buildTickers } from '../../src/market/tickers.ts';
import { formatJson } from '../../src/market/reports/json-text.ts';
import { parseTickers } from '../../src/market/tickers-file.ts';
import { createMarketRig } from './market-rig.ts';
import type { TestContext } from 'node:test';
import type { TickersFile } from '../../src/market/tickers-file.ts';

interface Setup {
  readonly faults?: string;
  readonly sources?: readonly SourceName[];
}

interface Build {
  readonly result: Promise<TickersFile>;
  readonly told: string[];
  readonly waits: readonly number[];
}

/** Builds the tickers of 2026-03-16 against an exchange of its own with these faults. */
async function build(t: TestContext, { faults = '', sources = SOURCE_NAMES }: Setup): Promise<Build> {
  const { http, yahoo, retry, signal, waits } = await createMarketRig(t, { seed: 'tickers', faults });
  const told: string[] = [];
  const result = buildTickers({
    context: { http, retry, signal },
    yahoo,
    sources,
    asOf: '2026-03-16',
    zone: 'Asia/Kolkata',
    minValidated: 25,
    log: (message) => told.push(message),
    progress: () => undefined,
  });
  return { result, told, waits };
}

test('every source alone gives the same thirty members, each with prices', async (t) => {
  const urls: Record<SourceName, string> = {
    bse: 'https://www.bseindices.com/AsiaIndexAPI/api/Codewise_Indices/w?code=16',
    moneycontrol:
      'https://www.moneycontrol.com/markets/indian-indices/changeTableData?exName=B&indicesID=4&selPage=marketTerminal',
    investing: 'https://www.investing.com/indices/sensex-components',
    wikipedia: 'https://en.wikipedia.org/wiki/BSE_SENSEX',
  };
  for (const name of SOURCE_NAMES) {
    const { result, told } = await build(t, { sources: [name] });
    const file = await result;
    assert.deepEqual(told, []);
    assert.equal(file.list, name);
    assert.equal(file.url, urls[name]);
    assert.match(file.page_sha256, /^[0-9a-f]{64}$/);
    assert.equal(file.source, 'exchange');
    assert.deepEqual(
      file.members.map(({ symbol, bse_code, validated }) => [symbol, bse_code, validated]),
      MEMBERS.map(({ symbol, bseCode }) => [`${symbol}.NS`, bseCode, true]),
    );
  }
});

test('renamed ids, the newer layout and UTF-16 under a header that says UTF-8 are read all the same', async (t) => {
  for (const fault of ['renamed', 'utf16']) {
    for (const [index, segment] of ['bseindices', 'moneycontrol', 'investing', 'wikipedia'].entries()) {
      const { result, told } = await build(t, {
        faults: `${fault}@${segment}`,
        sources: SOURCE_NAMES.slice(index, index + 1),
      });
      assert.equal((await result).members.length, 30, `${fault}@${segment}`);
      assert.deepEqual(told, []);
    }
  }
  const { result } = await build(t, { faults: 'next@investing', sources: ['investing'] });
  assert.equal((await result).members.length, 30);
});

test('a captcha, an empty table and a cut page are told by code and the next source is asked', async (t) => {
  const { result, told } = await build(t, {
    faults: 'captcha@bseindices,empty@moneycontrol,captcha=403@investing',
  });
  assert.equal((await result).list, 'wikipedia');
  assert.deepEqual(
    told.flatMap((message) => /^source (\w+) passed over: .*\((.*)\)$/.exec(message)?.slice(1).join() ?? []),
    ['bse,source.blocked', 'moneycontrol,source.empty', 'investing,http.blocked'],
  );
  // What came instead is kept in the log; Investing.com's page never came.
  const pages = told.filter((message) => message.startsWith('last page read: '));
  assert.equal(pages.length, 2);
  assert.match(
    pages[0] ?? '',
    /^last page read: https:\/\/www\.bseindices\.com\/\S+ \d+ characters, .*Just a moment/,
  );
  const cut = await build(t, { faults: 'cut@bseindices,cut@moneycontrol,cut@investing' });
  assert.equal((await cut.result).list, 'wikipedia');
  assert.equal(cut.told.filter((message) => message.includes(' passed over: ')).length, 3);
});

test('a source that stays busy is asked three times, as it wishes, before the next one', async (t) => {
  const { result, waits, told } = await build(t, { faults: '429=5@bseindices,503*2@moneycontrol' });
  assert.equal((await result).list, 'moneycontrol');
  assert.deepEqual(waits.slice(0, 2), [5_000, 5_000]);
  // Each of MoneyControl's pages fails twice and then comes.
  assert.ok(waits.slice(2).every((ms) => ms === 2_000 || ms === 4_000));
  assert.match(told.join(), /^source bse passed over: .* answered with status 429 \(http\.rate-limited\)$/);
});

test('when every source fails the error names each of them with its reason', async (t) => {
  const { result } = await build(t, {
    faults: 'empty@bseindices,captcha@moneycontrol,404@investing,empty@wikipedia',
  });
  await assert.rejects(result, (error: Error & { code?: string }) => {
    assert.equal(error.code, 'source.none');
    for (const part of [
      /bse: .*\(source\.empty\)/,
      /moneycontrol: .*\(source\.blocked\)/,
      /investing: .*\(http\.not-found\)/,
      /wikipedia: .*\(source\.(?:empty|no-table)\)/,
    ]) {
      assert.match(error.message, part);
    }
    assert.doesNotMatch(error.message, /127\.0\.0\.1|localhost/);
    return true;
  });
});

test('a member that the chart API does not know stays in the list with its reason', async (t) => {
  const { result, told } = await build(t, { faults: '404@M&M.NS' });
  const file = await result;
  assert.equal(file.members.length, 30);
  const reason = 'Yahoo knows no symbol M&M.NS (yahoo.unknown-symbol)';
  const dead = file.members.filter(({ validated }) => !validated);
  assert.deepEqual(dead, [
    {
      symbol: 'M&M.NS',
      name: 'Mahindra & Mahindra Limited',
      bse_code: '500520',
      isin: 'INE101A01026',
      validated: false,
      reason,
      from: null,
      to: null,
    },
  ]);
  assert.deepEqual(told, [`M&M.NS is not validated: ${reason}`]);
});

test('fewer than 25 validated members fail the stage', async (t) => {
  const dead = MEMBERS.slice(0, 6).map(({ symbol }) => `404@${symbol}.NS`);
  const { result } = await build(t, { faults: dead.join(',') });
  await assert.rejects(result, {
    code: 'tickers.unvalidated',
    message:
      'only 24 of 30 members are known to the chart API, 25 are needed; ' +
      'first: ADANIPORTS.NS: Yahoo knows no symbol ADANIPORTS.NS (yahoo.unknown-symbol)',
  });
});

test('two builds write the same bytes, which hold no address of this machine', async (t) => {
  const texts: string[] = [];
  for (const faults of ['', '503*1@INFY.NS,429*1@bseindices']) {
    const { result } = await build(t, { faults });
    texts.push(formatJson(await result));
  }
  assert.equal(texts[0], texts[1], 'a retry leaves no trace');
  assert.doesNotMatch(texts[0] ?? '', /127\.0\.0\.1|localhost|http:/);
  assert.ok(texts[0]?.endsWith('}\n'));
  assert.equal(parseTickers(texts[0] ?? '').members.length, 30);
});

test('a tickers file with a symbol that is no plain name, or without its flags, is refused', () => {
  for (const [members, message] of [
    [undefined, /"members" must be a list/],
    [[{ symbol: '../x', validated: true }], /"members\[0\]\.symbol" is "\.\.\/x", not a symbol/],
    [[{ validated: true }], /"members\[0\]\.symbol" is missing/],
    [[{ symbol: 'X.NS' }], /"members\[0\]\.validated" must be true or false/],
  ] as const) {
    assert.throws(() => parseTickers(JSON.stringify({ members })), message);
  }
});
