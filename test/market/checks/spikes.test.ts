import assert from 'node:assert/strict';
import test from 'node:test';
import type { Bar } from '../../../src/market/bars.ts';
import type { Cleaning } from '../../../src/market/checks/clean.ts';
import { DAYS, INDEX, TICK, bar, clean, index, lines, on, steady } from './bars.ts';

/** The middle of the days and their ends, where a bar is put at odds with all others. */
const SPIKED = ['2026-01-05', '2026-01-06', '2026-01-16', '2026-01-29', TICK];

test('a price more than twenty times off both closes before it is quarantined, wherever it stands', () => {
  const cases: readonly ((close: number) => Partial<Bar>)[] = [
    () => ({ open: 1.8e11, high: 1.8e11, low: 1.8e11, close: 1.8e11, adjClose: 1.8e11 }),
    () => ({ high: 1.8e11 }),
    () => ({ low: 0.01 }),
    (close) => ({ adjClose: 25 * close }),
    (close) => ({ open: close / 25, high: close / 25, low: close / 25, close: close / 25 }),
  ];
  for (const day of SPIKED) {
    for (const other of cases) {
      const spiked = steady((date, close) => bar(date, close, date === day ? other(close) : {}));
      const cleaning = clean({ [INDEX]: index, A: spiked, B: steady() });
      assert.deepEqual(lines(cleaning), [`bar.spike error A ${day}`, `series.gap info A ${day}`]);
      assert.deepEqual(cleaning.series.get('A')?.rows, { all: DAYS.length, errors: 1 });
    }
  }
});

test('the bars before it tell of a bar whether it is a spike: no later one changes the answer', () => {
  const day = '2026-01-20';
  for (const later of [90, 100, 110, 1_900]) {
    const bars = DAYS.map((date) => bar(date, date > day ? later : 100, date === day ? { high: 2_050 } : {}));
    const cleaning = clean({ [INDEX]: index, A: bars, B: steady() });
    assert.deepEqual(lines(cleaning, 'bar.spike')[0], `bar.spike error A ${day}`, `then ${later}`);
  }
});

test('what is wrong with a spike is told in adjusted prices', () => {
  const details = clean({ [INDEX]: index, A: on('2026-01-07', { close: 1.8e11, high: 1.8e11 }) }).findings;
  assert.deepEqual(details[0]?.rows, [
    { date: '2026-01-07', detail: 'adjusted high 180000000000, nearest closes 100 and 101' },
  ]);
});

test('a move of less than twenty times stays, and one at the newest bar that a split explains is no spike', () => {
  const high = clean({ [INDEX]: index, A: on('2026-01-07', { high: 19 * 102 }) });
  assert.deepEqual(lines(high, 'bar.spike'), []);
  const early = steady((date, close) =>
    date === TICK ? bar(date, close / 25, { split: 25, low: close / 25 - 1 }) : bar(date, close),
  );
  const cleaning = clean({ [INDEX]: index, A: early });
  assert.deepEqual(lines(cleaning, 'bar.spike'), []);
  assert.deepEqual(lines(cleaning, 'series.unadjusted-split'), [`series.unadjusted-split error A ${TICK}`]);
});

test('beside one close only, as on the day of a split before a spike, nothing tells which bar is wrong', () => {
  const [split, spike] = [DAYS.at(-3), DAYS.at(-2)];
  const bars = DAYS.map((date) => {
    const close = date >= (split ?? '') ? 50 : 100;
    return bar(date, date === spike ? 1e6 : close, date === split ? { split: 2 } : {});
  });
  const cleaning = clean({ [INDEX]: index, A: bars, B: steady() });
  assert.deepEqual(lines(cleaning, 'bar.spike'), [`bar.spike error A ${spike}`]);
});

test('a spike of the index is no day of the axis, one of its high alone is', () => {
  const day = '2026-01-20';
  const spiked = (other: Partial<Bar>): Cleaning =>
    clean({
      [INDEX]: index.map((one) => (one.date === day ? { ...one, ...other } : one)),
      A: steady(),
    });
  const others = DAYS.filter((date) => date !== day);
  assert.deepEqual(spiked({ close: 8e9, high: 8e9 }).index.dates, others);
  // Quarantined as impossible before spikes are looked for.
  assert.deepEqual(spiked({ close: 8e9 }).index.dates, others);
  const high = spiked({ high: 8e9 });
  assert.deepEqual(high.index.dates, DAYS);
  assert.deepEqual(lines(high, 'bar.spike'), [`bar.spike error ${INDEX} ${day}`]);
});
