import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { tableFromIPC } from 'apache-arrow';
import { computeFeatureOutputs } from '../../../src/market/feature-run.ts';
import { pipelineRunId } from '../../../src/market/reports/pipeline-metadata.ts';
import { readNpy } from '../compare-independent.ts';
import { SYNTHETIC_INDEX, SYNTHETIC_UNIVERSE, syntheticFiles } from '../synthetic-raw.ts';
import { syntheticRun } from '../synthetic-run.ts';

const SORTED = ['AAA', 'BBB', 'C&C', 'DDD', 'EEE', 'FFF'];

test('feature_metadata.json describes the arrays beside it', async () => {
  const outs = await computeFeatureOutputs(syntheticRun({ names: 'all', train_fraction: 0.5 }));
  const metadata = JSON.parse(outs.metadata) as Record<string, Record<string, unknown>>;
  const maps = readNpy(outs.maps);
  const dates = outs.dates.trimEnd().split('\n').slice(1);
  const [days = 0] = maps.shape;
  const keys =
    'schema source as_of shape dtype order axes features units warmup carry_limit fill imputed train selection ' +
    'normalisation target latest missing_stocks';
  assert.deepEqual(Object.keys(metadata), keys.split(' '));
  assert.deepEqual(metadata['shape'], maps.shape);
  assert.match(String(metadata['units']?.['price']), /demerger.* scales the days before it$/);
  assert.deepEqual(metadata['axes']?.['stocks'], SORTED);
  assert.deepEqual(metadata['axes']?.['days'], {
    first: dates[0],
    last: dates.at(-1),
    count: dates.length,
    file: 'dates.csv',
  });
  assert.deepEqual(metadata['train'], {
    first: dates[0],
    last: dates[Math.floor(days / 2) - 1],
    days: Math.floor(days / 2),
  });
  assert.deepEqual(metadata['missing_stocks'], ['FFF']);
  assert.equal(metadata['warmup'], 77);
  assert.equal(metadata['latest']?.['date'], '2026-01-16');
  assert.deepEqual(Object.keys(metadata['imputed']?.['by_stock'] ?? {}), SORTED);
});

test('the imputed shares follow from mask and carry limit', async () => {
  // One feature, always defined on a stock's own bars: a masked cell is a carried or filled value.
  const outs = await computeFeatureOutputs(syntheticRun({ names: ['typical_price'], carry_limit: 3 }));
  const mask = readNpy(outs.mask);
  const [days = 0, stocks = 0] = mask.shape;
  const counts = { carried: 0, filled: 0 };
  for (let stock = 0; stock < stocks; stock++) {
    let last = -Infinity;
    for (let day = 0; day < days; day++) {
      if (mask.values[day * stocks + stock] === 1) last = day;
      else counts[day - last <= 3 ? 'carried' : 'filled'] += 1;
    }
  }
  assert.ok(counts.carried > 5 && counts.filled > days);
  const { imputed } = JSON.parse(outs.metadata) as { imputed: { carried: number; filled: number } };
  const six = (count: number): number => Math.round((count / (days * stocks)) * 1e6) / 1e6;
  assert.deepEqual([imputed.carried, imputed.filled], [six(counts.carried), six(counts.filled)]);
  const quality = JSON.parse(outs.quality) as { feature_quality: Record<string, number> };
  assert.equal(quality.feature_quality['missing_data_percentage'], six(counts.carried + counts.filled));
});

test('the quality report repeats the fetch report and adds the features’ part', async () => {
  const run = syntheticRun({ names: ['returns_1d', 'bb_squeeze', 'macd_crossover'] });
  const outs = await computeFeatureOutputs(run);
  const { feature_quality, ...rest } = JSON.parse(outs.quality) as Record<string, unknown>;
  assert.deepEqual(rest, run.fetched);
  assert.equal((feature_quality as Record<string, number>)['total_features'], 3);
  assert.equal((feature_quality as Record<string, number>)['valid_features'], 3);
});

test('pipeline_metadata.json sums the run up in fractions', async () => {
  const outs = await computeFeatureOutputs(syntheticRun(undefined));
  const metadata = JSON.parse(outs.pipeline_metadata) as Record<string, unknown>;
  const targets = readNpy(outs.targets).values;
  const up = targets.filter((target) => target === 1).length;
  assert.deepEqual(metadata['target_distribution'], {
    up_days: up,
    down_days: targets.length - up,
    up_percentage: Math.round((up / targets.length) * 1e6) / 1e6,
  });
  assert.deepEqual(
    [metadata['stocks_processed'], metadata['timestamp'], metadata['feature_map_shape']],
    [5, '2026-01-16T10:00:00Z', [targets.length, 6, 19]],
  );
});

test('the run id is a hash of tick, params and raw files, blind to their order', () => {
  const files = syntheticFiles();
  const id = pipelineRunId('2026-01-16', { b: 1, a: [2] }, files);
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
  const names = [...files.keys()].sort();
  const parts = [
    '2026-01-16',
    [
      ['a', [2]],
      ['b', 1],
    ],
    names.map((name) => [name, hash(files.get(name) ?? '')]),
  ];
  assert.equal(id, hash(JSON.stringify(parts)).slice(0, 16));
  assert.equal(pipelineRunId('2026-01-16', { a: [2], b: 1 }, new Map([...files].toReversed())), id);
  assert.notEqual(pipelineRunId('2026-01-16', { a: [2], b: 2 }, files), id);
});

test('arrays and table hold the same numbers and nothing that is not finite', async () => {
  const outs = await computeFeatureOutputs(syntheticRun({ names: 'all' }));
  const maps = readNpy(outs.maps);
  assert.ok(maps.values.every((value) => Number.isFinite(value) && !Object.is(value, -0)));
  const table = tableFromIPC(outs.features);
  const [, , width = 0] = maps.shape;
  assert.equal(table.numCols, 4 + width);
  for (let feature = 0; feature < width; feature++) {
    const column = maps.values.filter((_, at) => at % width === feature);
    assert.deepEqual([...(table.getChildAt(4 + feature) ?? [])], column);
  }
  assert.deepEqual([...(table.getChild('observed') ?? [])], readNpy(outs.mask).values.map(Boolean));
});

test('equal input gives equal bytes in every out, whatever the order of files and universe', async () => {
  const run = syntheticRun({ names: 'all' });
  const first = await computeFeatureOutputs(run);
  const second = await computeFeatureOutputs({
    ...run,
    rawFiles: new Map([...run.rawFiles].toReversed()),
    universe: SYNTHETIC_UNIVERSE.toReversed(),
  });
  assert.deepEqual(second, first);
});

test('float32 maps are the float64 ones rounded once', async () => {
  const wide = await computeFeatureOutputs(syntheticRun({}));
  const narrow = await computeFeatureOutputs(syntheticRun({ dtype: 'float32' }));
  assert.equal(readNpy(narrow.maps).descr, '<f4');
  assert.deepEqual(readNpy(narrow.maps).values, readNpy(wide.maps).values.map(Math.fround));
});

test('a run without a usable index is an error that says why', async () => {
  const run = syntheticRun({});
  const without = new Map([...run.rawFiles].filter(([symbol]) => symbol !== SYNTHETIC_INDEX));
  await assert.rejects(computeFeatureOutputs({ ...run, rawFiles: without }), {
    code: 'fetch.index-missing',
    retryable: false,
    message: `the index ${SYNTHETIC_INDEX} is not usable: it has no raw file`,
  });
  const broken = new Map(run.rawFiles).set(SYNTHETIC_INDEX, 'Date,Close\n');
  await assert.rejects(computeFeatureOutputs({ ...run, rawFiles: broken }), {
    code: 'fetch.index-missing',
    message: `the index ${SYNTHETIC_INDEX} is not usable: line 1: column "open" is missing`,
  });
});

test('a stock that the fetch refused is missing even when its file is there', async () => {
  const run = syntheticRun({});
  const refused = { symbol: 'EEE', code: 'series.unit', reason: 'quoted in GBp, not INR' };
  const fetched = { ...run.fetched, missing: [...run.fetched.missing, refused] };
  const outs = await computeFeatureOutputs({ ...run, fetched });
  const metadata = JSON.parse(outs.metadata) as { missing_stocks: string[] };
  assert.deepEqual(metadata.missing_stocks, ['EEE', 'FFF']);
  const { shape, values } = readNpy(outs.mask);
  const eee = SORTED.indexOf('EEE');
  assert.ok(values.every((cell, at) => at % (shape[1] ?? 1) !== eee || cell === 0));
});
