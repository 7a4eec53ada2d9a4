import assert from 'node:assert/strict';
import test from 'node:test';
import { featureCatalogue } from '../../../src/market/features/catalogue.ts';
import { parseFeatureParams } from '../../../src/market/features/feature-params.ts';

test('an absent section means nineteen unit-free features with a warm-up of 27', () => {
  const { features, carryLimit, trainFraction, dtype } = parseFeatureParams(undefined);
  assert.equal(features.length, 19);
  assert.ok(features.every(({ scale }) => scale === 'none'));
  assert.equal(Math.max(...features.map(({ first }) => first)), 27);
  assert.deepEqual([carryLimit, trainFraction, dtype], [5, 0.7, 'float64']);
});

test('the catalogue has 52 different features with a warm-up of 77', () => {
  const catalogue = featureCatalogue(20);
  assert.equal(new Set(catalogue.map(({ name }) => name)).size, 52);
  assert.equal(Math.max(...catalogue.map(({ first }) => first)), 77);
  assert.deepEqual(
    catalogue.filter(({ anchored }) => anchored).map(({ name }) => name),
    ['obv', 'obv_sma', 'volume_price_trend'],
  );
  assert.deepEqual(parseFeatureParams({ names: 'all' }).features.length, 52);
});

test('named features come in the order of the catalogue', () => {
  const { features } = parseFeatureParams({ names: ['rsi_14', 'sma_5', 'returns_1d'] });
  assert.deepEqual(
    features.map(({ name }) => name),
    ['returns_1d', 'sma_5', 'rsi_14'],
  );
});

test('the look-back of the squeeze moves its first value', () => {
  const { features } = parseFeatureParams({ names: ['bb_squeeze'], squeeze_lookback: 125 });
  assert.deepEqual([features[0]?.first, features[0]?.params['lookback']], [143, 125]);
});

test('what is not allowed is refused with the key, the value and what is', () => {
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [[], /^features: \[\] is not allowed; allowed is a map of settings$/],
    [{ carry: 5 }, /^features\.carry is no setting; known settings: names, carry_limit/],
    [{ carry_limit: -1 }, /^features\.carry_limit: -1 is not allowed; allowed is a whole number from 0 on$/],
    [{ carry_limit: 1.5 }, /carry_limit: 1\.5/],
    [{ squeeze_lookback: 0 }, /squeeze_lookback: 0 is not allowed; allowed is a whole number from 1 on$/],
    [{ train_fraction: 1 }, /train_fraction: 1 is not allowed; allowed is a number between 0 and 1$/],
    [{ dtype: 'float16' }, /dtype: "float16" is not allowed; allowed is float64 or float32$/],
    [{ names: [] }, /names: \[\] is not allowed; allowed is default, all or a list/],
    [{ names: 'some' }, /names: "some" is not allowed/],
    [{ names: ['rsi'] }, /names: "rsi" is not allowed; allowed is names of the catalogue: returns_1d, /],
    [
      { selection: { method: 'variance' } },
      /selection: \{"method":"variance"\} is not allowed; allowed is none$/,
    ],
    [{ normalisation: 'zscore' }, /normalisation: "zscore" is not allowed; allowed is none$/],
  ];
  for (const [section, message] of cases) assert.throws(() => parseFeatureParams(section), { message });
});
