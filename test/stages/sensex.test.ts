import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { createExchange } from '../../src/market/exchange/server.ts';
import { createStageRig } from './stage-rig.ts';
import { recorded, recordedPath } from '../market/recorded.ts';
import type { StageRig } from './stage-rig.ts';

const MONDAY = '2026-03-16T00:00:00Z';
const AFTER_CLOSE = '2026-03-17T10:30:00Z';

async function runAll(rig: StageRig): Promise<void> {
  await rig.run('tickers', { now: MONDAY });
  await rig.run('fetch', { now: AFTER_CLOSE });
  await rig.run('features');
}

async function readAll(rig: StageRig): Promise<Map<string, Buffer>> {
  const entries = await readdir(rig.path('.'), { recursive: true, withFileTypes: true });
  const files = new Map<string, Buffer>();
  for (const entry of entries.filter((found) => found.isFile())) {
    const file = `${entry.parentPath}/${entry.name}`;
    files.set(file.slice(rig.path('.').length), await readFile(file));
  }
  return files;
}

/** Shape and type of a .npy file, from its header. */
async function npyHeader(rig: StageRig, name: string): Promise<string> {
  const bytes = await readFile(rig.path(`data/processed/${name}`));
  return bytes
    .subarray(10, 10 + bytes.readUInt16LE(8))
    .toString('latin1')
    .trim();
}

test('the three stages of the pipeline make every out from the exchange inside the process, and none names this machine', async (t) => {
  const rig = await createStageRig(t);
  await runAll(rig);
  assert.deepEqual(rig.told, []);

  const tickers = JSON.parse(await rig.readText('data/tickers.json'));
  assert.equal(tickers.source, 'simulated');
  assert.equal(tickers.as_of, '2026-03-16');
  assert.equal(tickers.members.length, 30);

  const raw = (await readdir(rig.path('data/raw'))).sort();
  assert.equal(raw.length, 31);
  assert.ok(raw.includes('M&M.NS.csv'));
  assert.ok(raw.includes('^BSESN.csv'));

  const fetched = JSON.parse(await rig.readText('reports/fetch_report.json'));
  assert.equal(fetched.timestamp, '2026-03-17T10:00:00Z');
  assert.deepEqual(fetched.data_period, { from: '2024-03-17', to: '2026-03-17' });
  assert.equal(fetched.success_rate, 1);
  assert.equal(fetched.stocks_successful, 30);

  // Index sessions with a close, less 27 of warm-up and the last one, whose direction is not known yet.
  const index = (await rig.readText('data/raw/^BSESN.csv')).trim().split('\n').slice(1);
  const days = index.filter((line) => line.split(',')[4] !== '').length - 27 - 1;
  const dates = (await rig.readText('data/processed/dates.csv')).trim().split('\n');
  assert.equal(dates.length - 1, days);
  assert.equal(dates.at(-1), '2026-03-16');
  assert.equal(
    await npyHeader(rig, 'feature_maps.npy'),
    `{'descr': '<f8', 'fortran_order': False, 'shape': (${days}, 30, 19), }`,
  );
  assert.equal(
    await npyHeader(rig, 'mask.npy'),
    `{'descr': '|u1', 'fortran_order': False, 'shape': (${days}, 30), }`,
  );
  assert.equal(
    await npyHeader(rig, 'targets.npy'),
    `{'descr': '|i1', 'fortran_order': False, 'shape': (${days},), }`,
  );
  assert.equal(
    await npyHeader(rig, 'latest.npy'),
    `{'descr': '<f8', 'fortran_order': False, 'shape': (1, 30, 19), }`,
  );
  const metadata = JSON.parse(await rig.readText('data/processed/feature_metadata.json'));
  assert.equal(metadata.source, 'simulated');
  assert.equal(metadata.as_of, '2026-03-17');
  assert.equal(metadata.latest.date, '2026-03-17');
  assert.equal(JSON.parse(await rig.readText('reports/data_quality_report.json')).stocks_successful, 30);
  assert.equal(
    (await readFile(rig.path('data/processed/features.arrow'))).subarray(0, 6).toString(),
    'ARROW1',
  );

  const files = await readAll(rig);
  assert.equal(files.size, 1 + 31 + 2 + 8);
  for (const [name, bytes] of files)
    assert.doesNotMatch(bytes.toString('latin1'), /127\.0\.0\.1|localhost|http:\/\//, name);
});

test('the simulated world goes on for ticks after 2026, and names its range for those that it cannot reach', async (t) => {
  const rig = await createStageRig(t);
  await rig.run('tickers', { now: '2027-03-01T00:00:00Z' });
  await rig.run('fetch', { now: '2027-03-02T10:30:00Z' });
  await rig.run('features');
  assert.deepEqual(rig.told, []);
  assert.equal(JSON.parse(await rig.readText('reports/data_quality_report.json')).success_rate, 1);
  for (const [stage, now, day] of [
    ['fetch', '2036-01-01T00:00:00Z', '2036-01-01'],
    ['tickers', '2018-12-31T00:00:00Z', '2018-12-31'],
  ] as const) {
    await assert.rejects(rig.run(stage, { now }), {
      code: 'source.range',
      retryable: false,
      message: `the simulated exchange knows 2019-01-01 to 2035-12-31, as_of is ${day}; set as_of to a day of these, or another source`,
    });
  }
});

test('another seed gives other prices of the same stocks', async (t) => {
  const rig = await createStageRig(t);
  await rig.run('tickers', { now: MONDAY });
  await rig.run('fetch', { now: AFTER_CLOSE });
  const text = await rig.readText('data/raw/M&M.NS.csv');
  await rig.run('fetch', { now: AFTER_CLOSE, changes: { seed: 'another' } });
  assert.notEqual(await rig.readText('data/raw/M&M.NS.csv'), text);
});

test('a stock that the exchange does not know is masked on every day and named in all reports', async (t) => {
  const exchange = await createExchange({ seed: 'sensex', faults: '404@INFY.NS' });
  t.after(() => exchange.close());
  const rig = await createStageRig(t);
  const changes = { source: exchange.url };
  await rig.run('tickers', { now: MONDAY, changes });
  await rig.run('fetch', { now: AFTER_CLOSE, changes });
  await rig.run('features');
  const member = JSON.parse(await rig.readText('data/tickers.json')).members.find(
    ({ symbol }: { readonly symbol: string }) => symbol === 'INFY.NS',
  );
  assert.equal(member.validated, false);
  const quality = JSON.parse(await rig.readText('reports/data_quality_report.json'));
  assert.equal(quality.source, 'exchange');
  assert.equal(quality.stocks_successful, 29);
  assert.equal(quality.success_rate, 0.966667);
  assert.deepEqual(
    quality.missing.map(({ symbol, code }: { readonly symbol: string; readonly code: string }) => [
      symbol,
      code,
    ]),
    [['INFY.NS', 'yahoo.unknown-symbol']],
  );
  const metadata = JSON.parse(await rig.readText('data/processed/feature_metadata.json'));
  assert.deepEqual(metadata.missing_stocks, ['INFY.NS']);
  const at = metadata.axes.stocks.indexOf('INFY.NS');
  const bytes = await readFile(rig.path('data/processed/mask.npy'));
  const cells = bytes.subarray(10 + bytes.readUInt16LE(8));
  assert.ok(cells.every((cell, index) => index % 30 !== at || cell === 0));
  assert.ok(cells.some((cell) => cell === 1));
  for (const text of (await readAll(rig)).values()) {
    assert.doesNotMatch(text.toString('latin1'), /127\.0\.0\.1/);
  }
});

test('a fetch without the index fails and says so', async (t) => {
  const exchange = await createExchange({ seed: 'sensex', faults: '404@^BSESN' });
  t.after(() => exchange.close());
  const rig = await createStageRig(t);
  await rig.run('tickers', { now: MONDAY });
  await assert.rejects(rig.run('fetch', { now: AFTER_CLOSE, changes: { source: exchange.url } }), {
    message: 'the index ^BSESN could not be fetched: Yahoo knows no symbol ^BSESN (yahoo.unknown-symbol)',
  });
});

test('a stage that is stopped ends with the reason and a wrong parameter with its name', async (t) => {
  const rig = await createStageRig(t);
  const signal = AbortSignal.abort(new Error('stopped by the user'));
  await assert.rejects(rig.run('tickers', { now: MONDAY, signal }), { message: 'stopped by the user' });
  for (const [changes, message] of [
    [
      { source: 'Live' },
      'source is "Live"; it can be "simulated", "live" or the address of an exchange such as "http://127.0.0.1:8080"',
    ],
    [
      { 'tickers.sources': [] },
      'parameter tickers.sources must be a list of bse, moneycontrol, investing, wikipedia, each at most once, it is []',
    ],
    [
      { 'tickers.source': ['bse'] },
      'parameter tickers must be a map of sources, min_validated, ' +
        'it is {"sources":["bse","moneycontrol","investing","wikipedia"],"min_validated":25,"source":["bse"]} with the unknown source',
    ],
    [
      { 'tickers.min_validated': 31 },
      'parameter tickers.min_validated must be a whole number from 0 to 30, it is 31',
    ],
  ] as const) {
    await assert.rejects(rig.run('tickers', { now: MONDAY, changes }), { message });
  }
  await rig.run('tickers', { now: MONDAY });
  for (const [changes, message] of [
    [{ 'fetch.min_row': 5 }, /^parameter fetch must be a map of index, .* with the unknown min_row$/],
    [
      { 'fetch.allow_unadjusted_split': ['TCS'] },
      /^parameter fetch\.allow_unadjusted_split must be a list of ADANIPORTS\.NS, .* it is \["TCS"\]$/,
    ],
  ] as const) {
    const wrong = rig.run('fetch', { now: AFTER_CLOSE, changes });
    await assert.rejects(wrong, { code: 'params.invalid', retryable: false, message });
  }
  await writeFile(rig.path('data/tickers.json'), '{"members":[{"symbol":"../../etc/x","validated":true}]}');
  await assert.rejects(
    rig.run('fetch', { now: AFTER_CLOSE }),
    /"members\[0\]\.symbol" is "\.\.\/\.\.\/etc\/x", not a symbol/,
  );
});

test(
  'recorded prices come through the exchange with the days, targets and cells worked out for them',
  recorded,
  async (t) => {
    const exchange = await createExchange({ dataDir: recordedPath('nse_daily', 'yf_flat') });
    t.after(() => exchange.close());
    const rig = await createStageRig(t);
    const changes = { source: exchange.url };
    await rig.run('tickers', { now: MONDAY, changes });
    await rig.run('fetch', { now: AFTER_CLOSE, changes });
    await rig.run('features', { changes: { 'features.names': 'all' } });
    // Worked out from the recorded files without this code: 493 index sessions from 2024-03-18, 77 of warm-up for all 52 features, 200 ups.
    const dates = (await rig.readText('data/processed/dates.csv')).trim().split('\n').slice(1);
    assert.deepEqual([dates.length, dates[0], dates.at(-1)], [415, '2024-07-12', '2026-03-16']);
    assert.match(await npyHeader(rig, 'feature_maps.npy'), /\(415, 30, 52\)/);
    const pipeline = JSON.parse(await rig.readText('data/processed/pipeline_metadata.json'));
    assert.deepEqual(pipeline.target_distribution, { up_days: 200, down_days: 215, up_percentage: 0.481928 });
    const mask = await readFile(rig.path('data/processed/mask.npy'));
    const cells = mask.subarray(10 + mask.readUInt16LE(8));
    assert.equal(cells.filter((cell) => cell === 1).length, 11_178);
    const fetched = JSON.parse(await rig.readText('reports/fetch_report.json'));
    assert.equal(fetched.missing.length, 3);
    const counts = (rule: string): number =>
      fetched.findings
        .filter((finding: { readonly rule: string }) => finding.rule === rule)
        .reduce((sum: number, finding: { readonly count: number }) => sum + finding.count, 0);
    assert.equal(counts('bar.phantom'), 27);
    assert.equal(counts('bar.flat-zero'), 27);
  },
);
