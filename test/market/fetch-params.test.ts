import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createStageParams } from '../../src/market/stage-params.ts';

const read = createStageParams({
  source: 'live',
  fetch: { years: 2, half: 0.5 },
  tickers: { sources: ['bse'] },
});

test('a fraction and a list may be at their edges and not beyond', () => {
  const edges = createStageParams({ one: 1, more: 1.01, none: [], some: ['M&M.NS'], mixed: ['M&M.NS', 1] });
  assert.equal(edges.fraction('one'), 1);
  const symbols = ['M&M.NS', 'TCS.NS'];
  assert.deepEqual(edges.choices('none', symbols, 0), []);
  assert.deepEqual(edges.choices('some', symbols, 0), ['M&M.NS']);
  assert.throws(() => edges.fraction('more'), /parameter more must be a number from 0 to 1, it is 1\.01/);
  assert.throws(
    () => edges.choices('mixed', symbols, 0),
    /parameter mixed must be a list of M&M\.NS, TCS\.NS, each at most once, it is \["M&M\.NS",1\]/,
  );
  assert.throws(() => edges.choices('none', symbols), /parameter none must be a list of/);
});

test('a parameter of the right kind is returned as it is', () => {
  assert.equal(read.text('source'), 'live');
  assert.equal(read.count('fetch.years', { min: 1, max: 10 }), 2);
  assert.deepEqual(read.choices('tickers.sources', ['bse', 'wikipedia']), ['bse']);
});

test('a parameter that is missing, of another kind or out of range is named with its value', () => {
  for (const [use, message] of [
    [() => read.text('seed'), 'parameter seed must be a text, it is missing'],
    [() => read.text('fetch.years.deep'), 'parameter fetch.years.deep must be a text, it is missing'],
    [() => read.text('fetch.years'), 'parameter fetch.years must be a text, it is 2'],
    [
      () => read.count('fetch.half', { min: 0, max: 1 }),
      'parameter fetch.half must be a whole number from 0 to 1, it is 0.5',
    ],
    [
      () => read.count('fetch.years', { min: 3, max: 9 }),
      'parameter fetch.years must be a whole number from 3 to 9, it is 2',
    ],
    [
      () => read.choices('tickers.sources', ['nse', 'wikipedia']),
      'parameter tickers.sources must be a list of nse, wikipedia, each at most once, it is ["bse"]',
    ],
    [
      () => read.keys('fetch', ['years', 'index']),
      'parameter fetch must be a map of years, index, it is {"years":2,"half":0.5} with the unknown half',
    ],
    [() => read.keys('source', ['a']), 'parameter source must be a map of a, it is "live"'],
    [
      () => createStageParams({ n: 12345678901234567890n }).count('n', { min: 0, max: 1 }),
      'parameter n must be a whole number from 0 to 1, it is "12345678901234567890"',
    ],
  ] as const) {
    assert.throws(use, { code: 'params.invalid', message });
  }
});
