import assert from 'node:assert/strict';
import test from 'node:test';
import { selectRows } from '../../../src/market/bars.ts';
import type { Series } from '../../../src/market/bars.ts';
import { computeFeatureOutputs } from '../../../src/market/feature-run.ts';
import { readNpy } from '../compare-independent.ts';
import { createRandom, SYNTHETIC_PERIOD, syntheticSeries } from '../synthetic-raw.ts';
import { syntheticReportInput, syntheticRun } from '../synthetic-run.ts';
import { buildFetchReport } from '../../../src/market/fetch-report.ts';

interface Rows {
  readonly days: readonly string[];
  readonly maps: readonly Buffer[];
  readonly mask: readonly Buffer[];
  readonly targets: readonly number[];
}

/** Outs of a run over all 52 features, cut into the bytes of each day. */
async function rowsOf(series: readonly Series[], tickDate: string = SYNTHETIC_PERIOD.to): Promise<Rows> {
  const outs = await computeFeatureOutputs({
    ...syntheticRun({ names: 'all' }, series),
    fetched: buildFetchReport(
      syntheticReportInput(series, { period: { from: SYNTHETIC_PERIOD.from, to: tickDate } }),
    ),
  });
  const days = outs.dates.trimEnd().split('\n').slice(1);
  const cut = (bytes: Uint8Array): Buffer[] => {
    const header = 10 + Buffer.from(bytes).readUInt16LE(8);
    const size = (bytes.length - header) / days.length;
    return days.map((_, day) => Buffer.from(bytes.subarray(header + day * size, header + (day + 1) * size)));
  };
  return { days, maps: cut(outs.maps), mask: cut(outs.mask), targets: readNpy(outs.targets).values };
}

/** The same series with every price and volume after a date changed at random. */
function withOtherFuture(series: readonly Series[], after: string, seed: number): Series[] {
  const random = createRandom(seed);
  return series.map((one) => {
    const price = one.dates.map((date) => (date > after ? 0.9 + 0.2 * random() : 1));
    const shares = one.dates.map((date) => (date > after ? Math.floor(9 * random()) : 1));
    const scale = (column: Float64Array): Float64Array =>
      column.map((value, row) => value * (price[row] ?? 1));
    return {
      ...one,
      open: scale(one.open),
      high: scale(one.high),
      low: scale(one.low),
      close: scale(one.close),
      adjClose: scale(one.adjClose),
      volume: one.volume.map((value, row) => value * (shares[row] ?? 1)),
    };
  });
}

test('whatever happens after a day, the maps up to it keep every bit', async () => {
  const series = syntheticSeries();
  const before = await rowsOf(series);
  for (const [day, seed] of [
    ['2024-09-20', 1],
    ['2025-03-04', 2],
    ['2025-08-01', 3],
    ['2025-12-31', 4],
  ] as const) {
    const after = await rowsOf(withOtherFuture(series, day, seed));
    const same = before.days.filter((date) => date <= day).length;
    assert.ok(same > 50);
    assert.deepEqual(after.days, before.days);
    assert.deepEqual(after.maps.slice(0, same), before.maps.slice(0, same), day);
    assert.deepEqual(after.mask.slice(0, same), before.mask.slice(0, same), day);
    // The last of these days looks one close ahead: that is its target.
    assert.deepEqual(after.targets.slice(0, same - 1), before.targets.slice(0, same - 1), day);
    assert.notDeepEqual(after.maps.slice(same), before.maps.slice(same), `nothing changed after ${day}`);
  }
});

test('a run as of an earlier day gives the same bits on the days it has', async () => {
  // AAA is left out: to an earlier download its later splits and dividends have not happened, so its inputs differ.
  const series = syntheticSeries().filter(({ symbol }) => symbol !== 'AAA');
  const whole = await rowsOf(series);
  for (const tickDate of ['2024-12-10', '2025-07-14', '2025-10-06']) {
    const past = series.map((one) =>
      selectRows(
        one,
        [...one.dates.keys()].filter((row) => (one.dates[row] ?? '') <= tickDate),
      ),
    );
    const part = await rowsOf(past, tickDate);
    const count = part.days.length;
    assert.ok(count > 50);
    assert.deepEqual(part.days, whole.days.slice(0, count));
    assert.deepEqual(part.maps, whole.maps.slice(0, count), tickDate);
    assert.deepEqual(part.mask, whole.mask.slice(0, count), tickDate);
    assert.deepEqual(part.targets, whole.targets.slice(0, count), tickDate);
  }
});

/** The same series on the exchange's price steps of five paise, where a day often reaches as far up as down. */
function onSteps(series: readonly Series[]): Series[] {
  const round = (column: Float64Array): Float64Array => column.map((price) => Math.round(price * 20) / 20);
  return series.map((one) => ({
    ...one,
    open: round(one.open),
    high: round(one.high),
    low: round(one.low),
    close: round(one.close),
    adjClose: round(one.adjClose),
  }));
}

/** What the vendor sends once a dividend of a share of the price was paid after a day: all adjusted closes up to it are lower. */
function withDividendAfter(series: readonly Series[], day: string, share: number): Series[] {
  return series.map((one) => ({
    ...one,
    adjClose: one.close.map((close, row) => {
      const sent = one.adjClose[row] ?? NaN;
      return (Number.isNaN(sent) ? close : sent) * ((one.dates[row] ?? '') <= day ? 1 - share : 1);
    }),
  }));
}

test('a dividend after a day leaves every value up to it as it was, but for rounding', async () => {
  const series = onSteps(syntheticSeries().filter(({ symbol }) => symbol !== 'AAA'));
  const before = await rowsOf(series);
  const after = await rowsOf(withDividendAfter(series, '2025-12-31', 0.013));
  assert.deepEqual(after.days, before.days);
  assert.deepEqual(after.mask, before.mask);
  for (const [at, date] of before.days.filter((day) => day <= '2025-12-31').entries()) {
    const now = doublesOf(after.maps[at]);
    for (const [cell, value] of doublesOf(before.maps[at]).entries()) {
      const difference = Math.abs((now[cell] ?? NaN) - value);
      // Differences of prices cancel, so that what is near 0 is judged by the size of a price.
      assert.ok(difference <= 1e-9 * Math.max(1, Math.abs(value)), `${date}, cell ${cell}: ${difference}`);
    }
  }
});

function doublesOf(bytes: Buffer | undefined): Float64Array {
  return new Float64Array(Uint8Array.from(bytes ?? []).buffer);
}
