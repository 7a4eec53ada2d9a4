import assert from 'node:assert/strict';
import test from 'node:test';
import { assertClose, compute, readTable, skenderBars, skenderResult, skenderSheet } from './published.ts';
import { recorded, recordedPath } from '../recorded.ts';

const TOLERANCE = 2e-12;

/** feature → published result file, its field, and the factor from their unit to ours */
const RESULTS: readonly (readonly [string, string, string, number])[] = [
  ['atr_14', 'atr', 'atr', 1],
  ['atr_ratio', 'atr', 'atrp', 0.01],
  ['sma_20', 'sma', 'sma', 1],
  ['ema_12', 'macd', 'fastEma', 1],
  ['ema_26', 'macd', 'slowEma', 1],
  ['rsi_14', 'rsi', 'rsi', 1],
  ['stoch_d', 'stoch', 'oscillator', 1],
  ['williams_r', 'willr', 'williamsR', 1],
  ['cci_20', 'cci', 'cci', 1],
  ['macd', 'macd', 'macd', 1],
  ['macd_signal', 'macd', 'signal', 1],
  ['macd_histogram', 'macd', 'histogram', 1],
  ['bb_upper', 'bb', 'upperBand', 1],
  ['bb_lower', 'bb', 'lowerBand', 1],
  ['bb_middle', 'bb', 'sma', 1],
  ['bb_width', 'bb', 'width', 1],
  ['bb_position', 'bb', 'percentB', 1],
  ['obv', 'obv', 'obv', 1],
  ['adx_14', 'adx', 'adx', 1],
  ['di_plus', 'adx', 'pdi', 1],
  ['di_minus', 'adx', 'mdi', 1],
  ['ichimoku_a', 'ichimoku', 'senkouSpanA', 1],
  ['ichimoku_b', 'ichimoku', 'senkouSpanB', 1],
];

for (const [feature, file, field, unit] of RESULTS) {
  test(`${feature} equals the published ${file} table, warm-up included`, recorded, async () => {
    const published = (await skenderResult(file, field)).map((value) => value * unit);
    assert.ok(published.filter((value) => !Number.isNaN(value)).length > 400);
    const bars = await skenderBars();
    // Their result files of the leading spans go on into the future; ours end with the bars.
    assertClose(await compute(feature, bars), published.slice(0, bars.close.length), TOLERANCE, feature);
  });
}

test("stoch_k equals the published worksheet's unsmoothed column", recorded, async () => {
  const published = await skenderSheet('stoch', "K(14)'");
  assertClose(await compute('stoch_k', await skenderBars()), published, TOLERANCE, 'stoch_k');
});

test('roc_10 equals the published rate of change shifted to its own lag', recorded, async () => {
  const bars = await skenderBars();
  const published = await skenderResult('roc', 'roc');
  // The table has lag 14: spreading the closes so that lag 10 spans the same pair of bars compares the same formula.
  const pairs = published.flatMap((value, row) => (Number.isNaN(value) ? [] : [[row, value] as const]));
  assert.equal(pairs[0]?.[0], 14);
  for (const [row, value] of pairs) {
    const close = Float64Array.from(
      { length: 11 },
      (_, at) => bars.close[row - 14 + (at === 10 ? 14 : at)] ?? NaN,
    );
    const spread = { ...bars, close };
    const [last] = (await compute('roc_10', spread)).slice(-1);
    assertClose([last ?? NaN], [value], TOLERANCE, `roc at ${row}`);
  }
});

test('volume_price_trend equals the published unsmoothed column', recorded, async () => {
  const rows = await readTable(recordedPath('indicators/stockcharts/cs-vpt.csv'));
  const column = (name: string): Float64Array => Float64Array.from(rows, (row) => Number(row[name]));
  const close = column('Close');
  const history = { open: close, high: close, low: close, close, volume: column('Volume') };
  const published = rows.map((row, at) => (at === 0 ? 0 : Number(row['unsmoothed vpt'])));
  assertClose(await compute('volume_price_trend', history), published, TOLERANCE, 'volume_price_trend');
});
