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

test('what is not allowed is refused by code with the key, the value and what is', () => {
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [[], /^parameter features must be a map of names, carry_limit, .*, it is \[\]$/],
    [{ carry: 5 }, /^parameter features must be a map of names, carry_limit, .* with the unknown carry$/],
    [
      { carry_limit: -1 },
      /^parameter features\.carry_limit must be a whole number from 0 to 100000, it is -1$/,
    ],
    [{ carry_limit: 1.5 }, /features\.carry_limit .* it is 1\.5$/],
    [{ carry_limit: 'five' }, /features\.carry_limit .* it is "five"$/],
    [{ carry_limit: 99999999999999999999n }, /features\.carry_limit .* it is "99999999999999999999"$/],
    [{ squeeze_lookback: 0 }, /squeeze_lookback must be a whole number from 1 to 100000, it is 0$/],
    [{ train_fraction: 1 }, /features\.train_fraction must be a number between 0 and 1, it is 1$/],
    [{ train_fraction: 0 }, /features\.train_fraction must be a number between 0 and 1, it is 0$/],
    [{ dtype: 'float16' }, /features\.dtype must be float64 or float32, it is "float16"$/],
    [{ names: [] }, /features\.names must be a list of returns_1d, .* it is \[\]$/],
    [{ names: 'some' }, /features\.names must be default, all or a list of names, it is "some"$/],
    [{ names: ['rsi'] }, /features\.names must be a list of returns_1d, .* it is \["rsi"\]$/],
    [
      { selection: { method: 'variance' } },
      /features\.selection must be none, it is \{"method":"variance"\}$/,
    ],
    [{ normalisation: 'zscore' }, /features\.normalisation must be none, it is "zscore"$/],
  ];
  for (const [section, message] of cases) {
    assert.throws(() => parseFeatureParams(section), { code: 'params.invalid', message });
  }
});
