import assert from 'node:assert/strict';
import test from 'node:test';
import { parseFetchReport } from '../../../src/market/reports/parse-fetch-report.ts';
import type { WorldFacts } from '../../../src/market/exchange/book.ts';
import { assertRunMatchesIndependent } from '../compare-independent.ts';
import { createMarketRig, featureRunOf, fetchTwoYears } from '../market-rig.ts';

const TICK = '2026-03-17';

/** What the cleaner should say of a planted defect inside the period. */
const RULES: Readonly<Record<string, readonly string[]>> = {
  'late-listing': ['series.short'],
  'index-gap': ['index-gap'],
  halt: ['bar.flat-zero', 'series.gap'],
  'missing-bar': ['series.gap'],
  'null-bar': ['bar.null', 'series.gap'],
  'phantom-day': ['bar.phantom'],
};

test('every defect that the exchange planted is found under its rule, and nothing else but jumps', async (t) => {
  const rig = await createMarketRig(t, { seed: 'sensex' });
  const report = parseFetchReport((await fetchTwoYears(rig, TICK)).report);
  const { defects } = (await (await fetch(`${rig.url}/world/defects`)).json()) as WorldFacts;
  const expected = defects.flatMap(({ kind, symbols, dates }) => {
    const rules = RULES[kind];
    assert.ok(rules, `no rule is expected for ${kind}`);
    return rules.flatMap((rule) =>
      symbols.flatMap((symbol) => dates.map((date) => `${rule} ${symbol} ${date}`)),
    );
  });
  const found = report.findings
    .filter(({ rule }) => rule !== 'bar.jump')
    .flatMap(({ rule, symbol, rows }) => rows.map(({ date }) => `${rule} ${symbol} ${date}`));
  assert.deepEqual(found.sort(), expected.sort());
  assert.ok(expected.length > 30);
});

test('a second computation in Python agrees on all features of a made-up market with splits and dividends', async (t) => {
  const rig = await createMarketRig(t, { seed: 'another world' });
  await assertRunMatchesIndependent(featureRunOf(await fetchTwoYears(rig, TICK), undefined), 'all');
});
