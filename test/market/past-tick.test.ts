import assert from 'node:assert/strict';
import { test } from 'node:test';
import { computeFeatureOutputs } from '../../src/market/feature-run.ts';
import { readNpy } from './compare-independent.ts';
import { createMarketRig, featureRunOf, fetchTwoYears } from './market-rig.ts';
import { UNIVERSE } from './recorded-run.ts';
import type { MarketRig } from './market-rig.ts';

// Their windows lie inside the period of either run, so that only events can set them apart.
const NAMES = ['typical_price', 'sma_5', 'volume_sma_20'];

interface Run {
  readonly files: ReadonlyMap<string, string>;
  /** Values of a stock and day, in the order of NAMES. */
  cellsOf(symbol: string, date: string): readonly number[];
  readonly days: readonly string[];
}

async function run(rig: MarketRig, tickDate: string): Promise<Run> {
  const fetched = await fetchTwoYears(rig, tickDate);
  const outs = await computeFeatureOutputs(featureRunOf(fetched, { names: NAMES }));
  const days = outs.dates.trimEnd().split('\n').slice(1);
  const { values } = readNpy(outs.maps);
  return {
    files: fetched.files,
    days,
    cellsOf(symbol, date) {
      const at = (days.indexOf(date) * UNIVERSE.length + UNIVERSE.indexOf(symbol)) * NAMES.length;
      return values.slice(at, at + NAMES.length);
    },
  };
}

test('a run of a past day gives prices and volumes as a later run gives them, whatever split lies between', async (t) => {
  const rig = await createMarketRig(t, { seed: 'sensex' });
  const facts = (await (await fetch(`${rig.url}/world/defects`)).json()) as {
    actions: { kind: string; symbol: string; date: string; numerator: number }[];
  };
  const bonus = facts.actions.find(({ kind }) => kind === 'bonus');
  assert.ok(bonus !== undefined && '2025-03-17' < bonus.date && bonus.date < '2026-03-17');

  const past = await run(rig, '2025-03-17');
  const later = await run(rig, '2026-03-17');
  const common = past.days.filter((date) => later.days.includes(date));
  assert.ok(common.length > 200);
  for (const symbol of UNIVERSE) {
    for (const date of common) {
      const [a, b] = [past.cellsOf(symbol, date), later.cellsOf(symbol, date)];
      for (const [at, name] of NAMES.entries()) {
        const [then, now] = [a[at] ?? NaN, b[at] ?? NaN];
        assert.ok(Math.abs(then - now) <= 1e-9 * Math.abs(now), `${symbol} ${date} ${name}: ${then}, ${now}`);
      }
    }
  }
  const text = past.files.get(`${bonus.symbol}.csv`) ?? '';
  assert.ok(text.endsWith(`\n${bonus.date},,,,,,,0,${bonus.numerator}\n`), text.slice(-120));
});
