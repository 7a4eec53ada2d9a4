import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sessionsBetween } from '../../../src/base/session.ts';
import { calendarFor } from '../../../src/market/calendar.ts';
import { createWorld } from '../../../src/market/exchange/world.ts';
import type { ChartBook, PlantedDefect } from '../../../src/market/exchange/book.ts';
import type { ChartRow, ChartSeries } from '../../../src/market/exchange/series.ts';

const INDEX = '^BSESN';

async function seriesOf(book: ChartBook, symbol: string): Promise<ChartSeries> {
  const series = await book.series(symbol);
  assert.ok(series, symbol);
  return series;
}

async function allSeries(book: ChartBook): Promise<ChartSeries[]> {
  const symbols = [...Object.keys(book.facts().index?.shares ?? {}), INDEX];
  return Promise.all(symbols.map((symbol) => seriesOf(book, symbol)));
}

function stocksOf(series: readonly ChartSeries[]): ChartSeries[] {
  return series.filter(({ symbol }) => symbol !== INDEX);
}

function planted(book: ChartBook, kind: PlantedDefect['kind']): PlantedDefect | undefined {
  return book.facts().defects.find((defect) => defect.kind === kind);
}

function isFlat(row: ChartRow): boolean {
  return row.volume === 0 && row.open === row.close && row.high === row.close && row.low === row.close;
}

const world = createWorld({ seed: 'lockstep' });
const all = await allSeries(world);
const stocks = stocksOf(all);

/** Closes as traded on their day, from what the chart and the list of actions say: splits and the demerger undone. */
function tradedCloses(series: ChartSeries): Map<string, number> {
  const actions = world.facts().actions.filter((action) => action.symbol === series.symbol);
  return new Map(
    series.rows
      .filter((row) => row.close !== null)
      .map((row) => {
        let close = row.close ?? 0;
        for (const action of actions) {
          if (action.date <= row.date) continue;
          if (action.kind === 'split' || action.kind === 'bonus')
            close *= action.numerator / action.denominator;
          if (action.kind === 'demerger') close /= action.factor;
        }
        return [row.date, close];
      }),
  );
}

test('the world is what an independent computation of its recipe gives', async () => {
  // Computed in another language from the recipe alone; the rows come before any action of either stock.
  const expected = {
    'TCS.NS': [
      [3715.45, 3722.6, 3701.7, 3721.2, 2217785],
      [3713.5, 3735.1, 3675.2, 3710, 1200477],
      [3707.8, 3710.1, 3668.45, 3674, 2983586],
      [3668.95, 3683.7, 3647.45, 3682.8, 2043475],
      [3694.55, 3695.25, 3673.4, 3692.55, 2543083],
      [3643.95, 3644.1, 3550.9, 3555.8, 5059790],
    ],
    'M&M.NS': [
      [3538.6, 3544, 3521.8, 3541.35, 3262172],
      [3533.1, 3540.3, 3489.15, 3491.3, 4354935],
      [3503.65, 3526.4, 3500.4, 3509.3, 5000209],
    ],
  };
  for (const [symbol, rows] of Object.entries(expected)) {
    const series = await seriesOf(world, symbol);
    assert.deepEqual(
      series.rows.slice(0, rows.length).map((row) => [row.open, row.high, row.low, row.close, row.volume]),
      rows,
    );
  }
  assert.deepEqual(
    [world.facts().index?.shares['TCS.NS'], world.facts().index?.shares['M&M.NS']],
    [290_000_000, 357_000_000],
  );
});

test('two worlds of one seed are equal in whatever order they are asked, another seed is another world', async () => {
  const backwards = createWorld({ seed: 'lockstep' });
  for (const series of [...all].reverse()) {
    assert.equal(JSON.stringify(await seriesOf(backwards, series.symbol)), JSON.stringify(series));
  }
  const other = createWorld({ seed: 'other' });
  assert.notDeepEqual((await seriesOf(other, 'TCS.NS')).rows[0], (await seriesOf(world, 'TCS.NS')).rows[0]);
});

test('thirty stocks and the index trade on the sessions of the calendar from 2019 to 2026', () => {
  assert.equal(stocks.length, 30);
  const sessions = sessionsBetween(calendarFor('XBOM'), '2019-01-01', '2026-12-31')
    .filter((session) => session.kind === 'regular')
    .map((session) => session.date);
  const index = all.find(({ symbol }) => symbol === INDEX);
  assert.deepEqual(
    index?.rows.map((row) => row.date),
    sessions,
  );
  for (const row of index?.rows.slice(0, 50) ?? []) {
    assert.equal(new Date(row.time * 1000).toISOString(), `${row.date}T03:45:00.000Z`);
  }
});

test('every bar has its high and low around open and close, prices in steps of five paise and whole volumes', () => {
  for (const { symbol, rows } of all) {
    for (const { open, high, low, close, volume, date } of rows) {
      if (open === null || high === null || low === null || close === null || volume === null) continue;
      const place = `${symbol} ${date}`;
      assert.ok(high >= Math.max(open, close) && low <= Math.min(open, close) && low > 0, place);
      assert.ok(Number.isInteger(volume) && volume >= 0, place);
    }
  }
  for (const series of stocks) {
    for (const [date, close] of tradedCloses(series)) {
      assert.ok(Math.abs(close * 20 - Math.round(close * 20)) < 1e-6, `${series.symbol} ${date} ${close}`);
    }
  }
});

test('a smaller world that ends earlier has the same traded prices before its end', async () => {
  const earlier = createWorld({ seed: 'lockstep', liveDay: '2024-06-07' });
  for (const series of stocks) {
    const cut = await seriesOf(earlier, series.symbol);
    const traded = tradedCloses(series);
    const actions = earlier.facts().actions.filter((action) => action.symbol === series.symbol);
    for (const row of cut.rows) {
      assert.ok(row.date <= '2024-06-07');
      let close = row.close ?? 0;
      for (const action of actions) {
        if (action.date > row.date && action.kind === 'split') close *= action.numerator;
      }
      const expected = traded.get(row.date) ?? 0;
      assert.ok(Math.abs(close / expected - 1) < 1e-12, `${series.symbol} ${row.date}`);
    }
  }
});

test('a world that goes on for a later day has the same prices before, and sessions to the end of that year', async () => {
  const longer = createWorld({ seed: 'lockstep', until: '2028-02-10' });
  for (const { symbol, rows } of all) {
    const more = (await seriesOf(longer, symbol)).rows;
    const prices = (of: readonly ChartRow[]): object[] => of.map(({ adjClose: _, ...row }) => row);
    assert.deepEqual(prices(more.slice(0, rows.length)), prices(rows), symbol);
    assert.equal(more.at(-1)?.date, '2028-12-29');
  }
  for (const until of ['2026-12-31', '2019-01-01']) {
    const same = createWorld({ seed: 'lockstep', until });
    assert.deepEqual(await seriesOf(same, 'TCS.NS'), await seriesOf(world, 'TCS.NS'));
  }
});

test('the index is the sum of traded price times shares over the divisor, on every day with all thirty stocks', () => {
  const { index, actions } = world.facts();
  assert.ok(index);
  const traded = new Map(stocks.map((series) => [series.symbol, tradedCloses(series)]));
  let compared = 0;
  for (const row of all.find(({ symbol }) => symbol === INDEX)?.rows ?? []) {
    const divisor = index.divisors.findLast(({ from }) => from <= row.date)?.divisor ?? Number.NaN;
    let sum = 0;
    for (const [symbol, closes] of traded) {
      let shares = index.shares[symbol] ?? Number.NaN;
      for (const action of actions) {
        if (action.symbol !== symbol || action.date > row.date) continue;
        if (action.kind === 'split' || action.kind === 'bonus') shares *= action.numerator;
      }
      sum += (closes.get(row.date) ?? Number.NaN) * shares;
    }
    if (Number.isNaN(sum)) continue;
    compared += 1;
    assert.ok(Math.abs(sum / divisor - (row.close ?? 0)) < 0.0051, row.date);
  }
  assert.ok(compared > 550, `${compared} days`);
});

test('neither a split nor the demerger makes the published closes jump, and the index does not notice them', () => {
  const actions = world.facts().actions.filter((action) => action.kind !== 'dividend');
  assert.deepEqual(actions.map((action) => action.kind).sort(), ['bonus', 'demerger', 'split', 'split']);
  for (const action of actions) {
    for (const symbol of [action.symbol, INDEX]) {
      const rows = all.find((series) => series.symbol === symbol)?.rows ?? [];
      const at = rows.findIndex((row) => row.date === action.date);
      const change = (rows[at]?.close ?? 0) / (rows[at - 1]?.close ?? 0) - 1;
      // The smallest of these actions would show as −10 %.
      assert.ok(Math.abs(change) < 0.08, `${symbol} ${action.date} ${change}`);
    }
  }
});

test('chart events are the splits and dividends, and adjusted closes follow from the dividends alone', () => {
  const { actions } = world.facts();
  for (const series of stocks) {
    const own = actions.filter((action) => action.symbol === series.symbol);
    assert.deepEqual(
      series.dividends.map((event) => event.date),
      own.filter((action) => action.kind === 'dividend').map((action) => action.date),
    );
    assert.deepEqual(
      series.splits.map((event) => event.date),
      own.filter((action) => action.kind === 'split' || action.kind === 'bonus').map((action) => action.date),
    );
    const priced = series.rows.filter((row) => row.close !== null);
    let factor = 1;
    for (let at = priced.length - 1; at >= 0; at -= 1) {
      const row = priced[at];
      const before = priced[at - 1];
      assert.ok(row);
      assert.ok(
        Math.abs((row.adjClose ?? 0) / (row.close ?? 0) / factor - 1) < 1e-12,
        `${series.symbol} ${row.date}`,
      );
      const dividend = series.dividends.find((event) => event.date === row.date);
      if (dividend !== undefined && before !== undefined) factor *= 1 - dividend.amount / (before.close ?? 0);
    }
  }
});

test('every flat, empty, missing or extra row is a planted defect and every planted defect is there', () => {
  const sessions = sessionsBetween(calendarFor('XBOM'), '2019-01-01', '2026-12-31');
  const regular = sessions.filter((session) => session.kind === 'regular').map((session) => session.date);
  const found: Record<string, Set<string>> = {};
  const note = (kind: string, symbol: string, date: string): void => {
    (found[kind] ??= new Set()).add(`${symbol} ${date}`);
  };
  const saturdays = new Set<string>();
  for (const { symbol, rows } of all) {
    const dates = new Set(rows.map((row) => row.date));
    const first = rows[0]?.date ?? '';
    if (first !== '2019-01-01') note('late-listing', symbol, first);
    for (const date of regular) if (date >= first && !dates.has(date)) note('missing-bar', symbol, date);
    for (const row of rows) {
      if (row.close === null) note('null-bar', symbol, row.date);
      else if (!regular.includes(row.date) && isFlat(row)) note('phantom-day', symbol, row.date);
      else if (!regular.includes(row.date)) saturdays.add(row.date);
      else if (isFlat(row)) note('halt', symbol, row.date);
    }
  }
  for (const date of saturdays) {
    if (!all.find(({ symbol }) => symbol === INDEX)?.rows.some((row) => row.date === date))
      note('index-gap', INDEX, date);
  }
  const told = Object.fromEntries(
    world
      .facts()
      .defects.map(({ kind, symbols, dates }) => [
        kind,
        new Set(symbols.flatMap((symbol) => dates.map((date) => `${symbol} ${date}`))),
      ]),
  );
  assert.deepEqual(found, told);
  const counts = Object.fromEntries(Object.entries(told).map(([kind, rows]) => [kind, rows.size]));
  assert.deepEqual(counts, {
    'late-listing': 1,
    'index-gap': 1,
    halt: 3,
    'missing-bar': 4,
    'null-bar': 1,
    'phantom-day': 30,
  });
});

test('a halted stock stands at its last close and goes on from there', () => {
  const halt = planted(world, 'halt');
  const rows = stocks.find(({ symbol }) => symbol === halt?.symbols[0])?.rows ?? [];
  const at = rows.findIndex((row) => row.date === halt?.dates[0]);
  assert.equal(rows[at]?.close, rows[at - 1]?.close);
  assert.equal(rows[at + 2]?.close, rows[at - 1]?.close);
  assert.notEqual(rows[at + 3]?.close, rows[at - 1]?.close);
});

test('on its live day a world ends with rows of 16:00 and knows no later split', async () => {
  const live = createWorld({ seed: 'lockstep', liveDay: '2025-12-03' });
  const defect = planted(live, 'live-bar');
  assert.deepEqual(defect?.dates, ['2025-12-03']);
  assert.equal(defect.symbols.length, 31);
  for (const symbol of defect.symbols) {
    const series = await seriesOf(live, symbol);
    assert.equal(new Date((series.rows.at(-1)?.time ?? 0) * 1000).toISOString(), '2025-12-03T10:30:00.000Z');
    assert.equal(new Date((series.rows.at(-2)?.time ?? 0) * 1000).toISOString(), '2025-12-02T03:45:00.000Z');
  }
  assert.ok(live.facts().actions.every((action) => action.date <= '2025-12-03'));
  assert.equal(live.facts().actions.filter((action) => action.kind === 'bonus').length, 0);
  assert.equal(planted(live, 'phantom-day'), undefined);
});

test('a live day without a session has no live row, and a phantom holiday as today is the last row', async () => {
  const [phantom] = planted(world, 'phantom-day')?.dates ?? [];
  assert.ok(phantom);
  const live = createWorld({ seed: 'lockstep', liveDay: phantom });
  assert.equal(planted(live, 'live-bar'), undefined);
  const rows = (await seriesOf(live, 'TCS.NS')).rows;
  assert.equal(rows.at(-1)?.date, phantom);
  assert.ok(isFlat(rows.at(-1) ?? assert.fail()));
  assert.equal(rows.at(-1)?.close, rows.at(-2)?.close);
});

test('a symbol that is no member is unknown', async () => {
  for (const symbol of ['WIPRO.NS', 'TCS', '', '__proto__'])
    assert.equal(await world.series(symbol), undefined);
});
