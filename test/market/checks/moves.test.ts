import assert from 'node:assert/strict';
import test from 'node:test';
import type { Bar } from '../../../src/market/bars.ts';
import type { Cleaning } from '../../../src/market/checks/clean.ts';
import { DAYS, INDEX, bar, clean, index, lines, steady } from './bars.ts';

test('a move of more than twenty times that stays refuses the series, whatever the index did', () => {
  const bars = DAYS.map((date) => bar(date, date >= '2026-01-20' ? 10_000 : 100));
  const crash = DAYS.map((date) => bar(date, date >= '2026-01-20' ? 75_000 : 80_000));
  for (const market of [index, crash]) {
    const cleaning = clean({ [INDEX]: market, A: bars });
    assert.deepEqual(lines(cleaning, 'bar.spike'), ['bar.spike error A 2026-01-20']);
    assert.deepEqual(
      [...cleaning.refused],
      [
        [
          'A',
          { code: 'series.unadjusted-split', reason: '2026-01-21: close × 100.0000, more than any move' },
        ],
      ],
    );
  }
  assert.deepEqual([...clean({ [INDEX]: bars, A: steady() }).refused.keys()], [INDEX]);
});

test('a jump is kept and named, with what explains it', () => {
  const jump = (day: string, other: Partial<Bar> = {}): Bar[] =>
    DAYS.map((date) => bar(date, date >= day ? 130 : 100, date === day ? other : {}));
  const crash = DAYS.map((date) => bar(date, date >= '2026-01-20' ? 77_000 : 80_000));
  const details = (all: Readonly<Record<string, readonly Bar[]>>): (string | undefined)[] =>
    clean(all)
      .findings.filter(({ rule }) => rule === 'bar.jump')
      .map(({ rows }) => rows[0]?.detail);
  assert.deepEqual(details({ [INDEX]: index, A: jump('2026-01-20') }), ['+30.00 %, unexplained']);
  assert.deepEqual(details({ [INDEX]: index, A: jump('2026-01-20', { dividend: 3 }) }), [
    '+30.00 %, explained by an event',
  ]);
  assert.deepEqual(details({ [INDEX]: crash, A: jump('2026-01-20') }), [
    '+30.00 %, explained by the index (-3.75 %)',
  ]);
});

test('a move is measured on adjusted closes: a split that was adjusted is no jump', () => {
  const bars = DAYS.map((date) =>
    bar(date, date >= '2026-01-20' ? 50 : 100, { adjClose: 50, split: date === '2026-01-20' ? 2 : 0 }),
  );
  const cleaning = clean({ [INDEX]: index, A: bars });
  assert.deepEqual(lines(cleaning, 'bar.jump'), []);
  assert.deepEqual(lines(cleaning, 'series.unadjusted-split'), []);
});

test('a whole-factor jump without a split event refuses the series unless it is allowed or the market moved', () => {
  const bars = DAYS.map((date) => bar(date, date >= '2026-01-20' ? 50.5 : 100));
  const crash = DAYS.map((date) => bar(date, date >= '2026-01-20' ? 75_000 : 80_000));
  const refused = clean({ [INDEX]: index, A: bars });
  assert.deepEqual(
    [...refused.refused],
    [['A', { code: 'series.unadjusted-split', reason: '2026-01-20: close × 0.5050, near 1/2' }]],
  );
  assert.ok(!refused.series.has('A'));
  assert.ok(clean({ [INDEX]: index, A: bars }, { allowUnadjustedSplit: ['A'] }).series.has('A'));
  assert.ok(clean({ [INDEX]: crash, A: bars }).series.has('A'));
  const near = DAYS.map((date) => bar(date, date >= '2026-01-20' ? 47 : 100));
  assert.ok(clean({ [INDEX]: index, A: near }).series.has('A'));
});

test('a split that is listed while the closes before are not divided by it refuses the series, another jump of its day does not', () => {
  const day = '2026-01-20';
  const jump = (close: number, split: number, adjusted = close): Cleaning =>
    clean({
      [INDEX]: index,
      A: DAYS.map((date) =>
        date < day
          ? bar(date, 100)
          : bar(date, close, { adjClose: adjusted, split: date === day ? split : 0 }),
      ),
    });
  assert.deepEqual(
    [...jump(20.8, 5).refused],
    [
      [
        'A',
        {
          code: 'series.unadjusted-split',
          reason: `${day}: close × 0.2080, closes before not divided by the split of 5`,
        },
      ],
    ],
  );
  assert.deepEqual([...jump(950, 0.1).refused.keys()], ['A']);
  // Divided closes fall as they fall, adjusted ones need not jump with the raw ones, and a small split looks like a bad day.
  for (const sound of [jump(75, 2), jump(50, 2, 100), jump(91, 1.1)]) assert.ok(sound.series.has('A'));
});

test('a price that comes back doubled after a suspension is no split, after a hole of a few sessions it is', () => {
  const back = '2026-01-20';
  const at = DAYS.indexOf(back);
  const away = (sessions: number): Cleaning =>
    clean({
      [INDEX]: index,
      A: DAYS.filter((date, i) => i < at - sessions || date >= back).map((date) =>
        bar(date, date >= back ? 200 : 100),
      ),
    });
  assert.deepEqual([...away(5).refused.keys()], ['A']);
  assert.deepEqual([...away(6).refused.keys()], []);
  assert.deepEqual(lines(away(6), 'bar.jump'), [`bar.jump warn A ${back}`]);
});
