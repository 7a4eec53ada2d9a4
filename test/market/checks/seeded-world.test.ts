import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { calendarFor } from '../../../src/market/calendar.ts';
import { computeFeatureOutputs } from '../../../src/market/feature-run.ts';
import { parseFetchReport } from '../../../src/market/reports/parse-fetch-report.ts';
import type { FetchReport } from '../../../src/market/fetch-report.ts';
import { assertMatchesIndependent, independentMaps } from '../compare-independent.ts';
import { createMarketRig, fetchTwoYears } from '../market-rig.ts';
import { INDEX_SYMBOL, UNIVERSE } from '../recorded-run.ts';
import type { TestContext } from 'node:test';

const TICK = '2026-03-17';

interface Defect {
  readonly kind: string;
  readonly symbols: readonly string[];
  readonly dates: readonly string[];
}

interface World {
  readonly files: ReadonlyMap<string, string>;
  readonly report: FetchReport;
  readonly defects: readonly Defect[];
}

/** Two years of a made-up market, fetched over loopback, with the exchange's own list of what it planted. */
async function fetchWorld(t: TestContext, seed: string): Promise<World> {
  const rig = await createMarketRig(t, { seed });
  const { files, report } = await fetchTwoYears(rig, TICK);
  const { defects } = (await (await fetch(`${rig.url}/world/defects`)).json()) as {
    defects: readonly Defect[];
  };
  return { files, report: parseFetchReport(report), defects };
}

/** `rule symbol date` of the findings of some rules, sorted. */
function found(report: FetchReport, rules: readonly string[]): string[] {
  return report.findings
    .filter(({ rule }) => rules.includes(rule))
    .flatMap(({ rule, symbol, rows }) => rows.map(({ date }) => `${rule} ${symbol} ${date}`))
    .sort();
}

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
  const { report, defects } = await fetchWorld(t, 'sensex');
  const expected = defects.flatMap(({ kind, symbols, dates }) => {
    const rules = RULES[kind];
    assert.ok(rules, `no rule is expected for ${kind}`);
    return rules.flatMap((rule) =>
      symbols.flatMap((symbol) => dates.map((date) => `${rule} ${symbol} ${date}`)),
    );
  });
  const rules = new Set(report.findings.map(({ rule }) => rule).filter((rule) => rule !== 'bar.jump'));
  assert.deepEqual(found(report, [...rules]), expected.sort());
  assert.ok(expected.length > 30);
});

test('a second computation in Python agrees on all features of a made-up market with splits and dividends', async (t) => {
  const { files, report } = await fetchWorld(t, 'another world');
  const folder = await mkdtemp(join(tmpdir(), 'raw-'));
  try {
    for (const [name, content] of files) await writeFile(join(folder, name), content);
    const outs = await computeFeatureOutputs({
      rawFiles: new Map([...files].map(([name, content]) => [name.slice(0, -'.csv'.length), content])),
      universe: UNIVERSE,
      indexSymbol: INDEX_SYMBOL,
      fetched: report,
      params: { names: 'all' },
      calendar: calendarFor('XBOM'),
    });
    const expected = independentMaps({
      rawDir: folder,
      universe: UNIVERSE,
      indexSymbol: INDEX_SYMBOL,
      asOf: TICK,
      features: 'all',
    });
    assertMatchesIndependent(outs, expected, 1e-9);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
