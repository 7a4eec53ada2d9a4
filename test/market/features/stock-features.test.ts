import assert from 'node:assert/strict';
import test from 'node:test';
import { toSeries } from '../../../src/market/bars.ts';
import type { Bar } from '../../../src/market/bars.ts';
import { featureCatalogue } from '../../../src/market/features/catalogue.ts';
import { causalFactors, computeStockFeatures } from '../../../src/market/features/stock-features.ts';
import type { StockFeatures } from '../../../src/market/features/stock-features.ts';
import { createRandom } from '../synthetic-raw.ts';

const DAYS = Array.from({ length: 120 }, (_, i) =>
  new Date(Date.UTC(2025, 0, 1 + i)).toISOString().slice(0, 10),
);

/** Bars as traded, before anything is rewritten. */
function tradedBars(): Bar[] {
  const random = createRandom(11);
  let close = 400;
  return DAYS.map((date) => {
    const open = close;
    close = open * (1 + 0.04 * (random() - 0.5));
    const [high, low] = [Math.max(open, close) * 1.01, Math.min(open, close) * 0.99];
    return { date, open, high, low, close, adjClose: close, volume: 1000 + Math.floor(1000 * random()) };
  });
}

/** What a vendor says of the bars before an event: prices over the split, volume times it, the adjusted close lowered. */
function rewritten(bars: readonly Bar[], event: { date: string; split: number; paidShare: number }): Bar[] {
  return bars.map((bar) => {
    if (bar.date >= event.date) return bar.date === event.date ? { ...bar, split: event.split } : bar;
    const price = (value: number | null | undefined): number => (value ?? NaN) / event.split;
    return {
      ...bar,
      open: price(bar.open),
      high: price(bar.high),
      low: price(bar.low),
      close: price(bar.close),
      adjClose: price(bar.adjClose) * (1 - event.paidShare),
      volume: (bar.volume ?? 0) * event.split,
    };
  });
}

async function featuresOf(bars: readonly Bar[], splits: ReadonlyMap<string, number>): Promise<StockFeatures> {
  const series = toSeries('A', bars);
  const stock = {
    bars: series,
    events: { splits, dates: new Set<string>() },
    rows: { all: bars.length, errors: 0 },
  };
  return await computeStockFeatures(stock, featureCatalogue(20));
}

test('a split and a dividend to come change no feature of the days before them', async () => {
  const event = { date: DAYS[110] ?? '', split: 5, paidShare: 0.02 };
  const then = await featuresOf(tradedBars(), new Map());
  const now = await featuresOf(rewritten(tradedBars(), event), new Map([[event.date, event.split]]));
  for (const [at, feature] of featureCatalogue(20).entries()) {
    for (let row = feature.first; row < 110; row++) {
      const [a, b] = [now.columns[at]?.[row] ?? NaN, then.columns[at]?.[row] ?? NaN];
      const size = Math.max(Math.abs(b), feature.scale === 'none' ? 1e-3 : 1);
      assert.ok(Math.abs(a - b) <= 1e-10 * size, `${feature.name} at ${row}: ${a}, as known then ${b}`);
    }
  }
});

test('factors take out each later split, from the day before it backwards, and the dividends of the adjusted close', () => {
  const splits = new Map([
    [DAYS[1] ?? '', 2],
    [DAYS[3] ?? '', 5],
  ]);
  const { price, volume } = causalFactors(DAYS.slice(0, 4), new Float64Array(4).fill(0.8), splits);
  assert.deepEqual([...price], [10 / 0.8, 5 / 0.8, 5 / 0.8, 1 / 0.8]);
  assert.deepEqual([...volume], [0.1, 0.2, 0.2, 1]);
});
