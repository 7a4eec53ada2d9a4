import assert from 'node:assert/strict';
import test from 'node:test';
import { tableFromIPC } from 'apache-arrow';
import { formatFeaturesArrow } from '../../src/market/arrow.ts';
import type { ArrowFeatures } from '../../src/market/arrow.ts';
import { assembleTensor } from '../../src/market/features/tensor.ts';

const INPUT: ArrowFeatures = {
  tensor: assembleTensor(
    [
      { dates: ['2026-03-16', '2026-03-17'], columns: [Float64Array.of(0.1, 0.2), Float64Array.of(1, 2)] },
      { dates: ['2026-03-17'], columns: [Float64Array.of(0.3), Float64Array.of(3)] },
    ],
    ['2026-03-16', '2026-03-17'],
    { featureCount: 2, carryLimit: 5 },
  ),
  days: ['2026-03-16', '2026-03-17'],
  symbols: ['A', 'M&M'],
  features: ['returns_1d', 'rsi_14'],
  targets: Int8Array.of(1, 0),
};

test('the table has a row per day and stock with the documented columns', async () => {
  const table = tableFromIPC(await formatFeaturesArrow(INPUT));
  assert.deepEqual(
    table.schema.fields.map(({ name, type }) => `${name}: ${String(type)}`),
    [
      'date: Date32<DAY>',
      'symbol: Dictionary<Int32, Utf8>',
      'observed: Bool',
      'target: Int8',
      'returns_1d: Float64',
      'rsi_14: Float64',
    ],
  );
  assert.equal(table.batches.length, 1);
  assert.equal(table.schema.metadata.size, 0);
  const rows = table.toArray().map((row: Record<string, unknown>) => {
    const day = new Date(Number(row['date'])).toISOString().slice(0, 10);
    return [day, row['symbol'], row['observed'], row['target'], row['returns_1d'], row['rsi_14']];
  });
  assert.deepEqual(rows, [
    ['2026-03-16', 'A', true, 1, 0.1, 1],
    ['2026-03-16', 'M&M', false, 1, 0, 0],
    ['2026-03-17', 'A', true, 0, 0.2, 2],
    ['2026-03-17', 'M&M', true, 0, 0.3, 3],
  ]);
});

test('equal input gives equal bytes, also later in the same process', async () => {
  const first = await formatFeaturesArrow(INPUT);
  await formatFeaturesArrow({ ...INPUT, symbols: ['B', 'C'] });
  assert.deepEqual(Buffer.from(await formatFeaturesArrow(INPUT)), Buffer.from(first));
});

test('the file is uncompressed IPC with its magic at both ends', async () => {
  const bytes = Buffer.from(await formatFeaturesArrow(INPUT));
  assert.equal(bytes.subarray(0, 6).toString('latin1'), 'ARROW1');
  assert.equal(bytes.subarray(-6).toString('latin1'), 'ARROW1');
  // The doubles stand in the file as they are.
  assert.ok(bytes.includes(Buffer.from(Float64Array.of(0.1, 0, 0.2, 0.3).buffer)));
});
