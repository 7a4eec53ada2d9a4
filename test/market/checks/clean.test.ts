import assert from 'node:assert/strict';
import test from 'node:test';
import type { Bar } from '../../../src/market/bars.ts';
import { calendarFor } from '../../../src/market/calendar.ts';
import type { Cleaning } from '../../../src/market/checks/clean.ts';
import {
  DAYS,
  INDEX,
  TICK,
  bar,
  byDate,
  clean,
  cleanDates,
  flat,
  index,
  lines,
  on,
  sessionDates,
  steady,
} from './bars.ts';

test('sound bars stay as they are and nothing is found', () => {
  const cleaning = clean({ [INDEX]: index, A: steady() });
  assert.deepEqual(cleaning.findings, []);
  assert.deepEqual(cleanDates(cleaning, 'A'), DAYS);
  assert.deepEqual(cleaning.series.get('A')?.rows, { all: DAYS.length, errors: 0 });
  assert.deepEqual(cleaning.index.dates, DAYS);
});

test('a file that could not be read is refused with its line', () => {
  const cleaning = clean(
    { [INDEX]: index },
    {},
    new Map([['A', { ok: false, line: 3, detail: '"x" is no number' }]]),
  );
  assert.deepEqual(
    [...cleaning.refused],
    [['A', { code: 'bar.format', reason: 'line 3: "x" is no number' }]],
  );
  assert.deepEqual(
    cleaning.findings.map(({ rule, severity, symbol, count }) => [rule, severity, symbol, count]),
    [['bar.format', 'error', 'A', 1]],
  );
});

test('a row without prices is dropped as information, on the newest date as a warning', () => {
  const empty = { open: null, high: null, low: null, close: null };
  const cleaning = clean({
    [INDEX]: index,
    A: steady((date, close) =>
      date === '2026-01-07' || date === TICK ? { ...bar(date, close), ...empty } : bar(date, close),
    ),
  });
  assert.deepEqual(lines(cleaning, 'bar.null'), ['bar.null info A 2026-01-07', `bar.null warn A ${TICK}`]);
  assert.deepEqual(
    cleanDates(cleaning, 'A'),
    DAYS.filter((date) => date !== '2026-01-07' && date !== TICK),
  );
});

test('a row with some prices is quarantined, a missing volume alone becomes 0', () => {
  const cleaning = clean({
    [INDEX]: index,
    A: on('2026-01-07', { high: null }),
    B: on('2026-01-08', { volume: null }),
  });
  assert.deepEqual(lines(cleaning, 'bar.partial'), [
    'bar.partial error A 2026-01-07',
    'bar.partial warn B 2026-01-08',
  ]);
  assert.ok(!cleanDates(cleaning, 'A').includes('2026-01-07'));
  const b = cleaning.series.get('B')?.bars;
  assert.equal(b?.volume[b.dates.indexOf('2026-01-08')], 0);
});

test('a row without an adjusted close among adjusted ones is quarantined: its prices would jump and come back', () => {
  const adjusted = steady((date, close) =>
    bar(date, close, { adjClose: date === '2026-01-07' ? null : close * 0.9 }),
  );
  // Of a series with hardly any adjusted close the others stay; one that has none is as its vendor means it.
  const cleaning = clean({ [INDEX]: index, A: adjusted, B: on('2026-01-08', { adjClose: 1 }), C: index });
  assert.deepEqual(lines(cleaning, 'bar.partial'), ['bar.partial error A 2026-01-07']);
  assert.equal(
    cleaning.findings.find(({ rule }) => rule === 'bar.partial')?.rows[0]?.detail,
    'adjusted close empty',
  );
});

test('unsorted rows are sorted and named', () => {
  const cleaning = clean({ [INDEX]: index, A: steady().toReversed() });
  assert.deepEqual(cleanDates(cleaning, 'A'), DAYS);
  assert.equal(cleaning.findings.find(({ rule }) => rule === 'bar.order')?.count, DAYS.length - 1);
});

test('of two rows with one date the later stays; identical copies are harmless, others an error', () => {
  const cleaning = clean({
    [INDEX]: index,
    A: steady((date, close) =>
      date === '2026-01-07' ? [bar(date, close), bar(date, close)] : bar(date, close),
    ),
    B: steady((date, close) =>
      date === '2026-01-07' ? [bar(date, close), bar(date, 103.5)] : bar(date, close),
    ),
  });
  assert.deepEqual(lines(cleaning, 'bar.duplicate'), [
    'bar.duplicate info A 2026-01-07',
    'bar.duplicate error B 2026-01-07',
  ]);
  const b = cleaning.series.get('B')?.bars;
  assert.deepEqual([b?.dates.length, b?.close[2]], [DAYS.length, 103.5]);
});

test('two rows of a date that agree on the close are told by what they differ in', () => {
  const cleaning = clean({
    [INDEX]: index,
    A: steady((date, close) =>
      date === '2026-01-07' ? [bar(date, close), { ...bar(date, close), volume: 7 }] : bar(date, close),
    ),
  });
  const found = cleaning.findings.find(({ rule }) => rule === 'bar.duplicate');
  assert.match(found?.rows[0]?.detail ?? '', /^volume \d+, the later row says 7$/);
});

test('an empty copy of a date yields to the full one, before or after it', () => {
  const empty = { open: null, high: null, low: null, close: null, volume: null };
  for (const twice of [
    (date: string, close: number): Bar[] => [bar(date, close), { ...bar(date, close), ...empty }],
    (date: string, close: number): Bar[] => [{ ...bar(date, close), ...empty }, bar(date, close)],
  ]) {
    const cleaning = clean({
      [INDEX]: index,
      A: steady((date, close) => (date === '2026-01-07' ? twice(date, close) : bar(date, close))),
    });
    assert.deepEqual(lines(cleaning), ['bar.null info A 2026-01-07']);
    assert.deepEqual(cleanDates(cleaning, 'A'), DAYS);
  }
});

test('a row after the tick is dropped as information, one before the period in silence', () => {
  const cleaning = clean({
    [INDEX]: index,
    A: [bar('2025-12-31', 99), ...steady(), bar('2026-02-02', 130)],
  });
  assert.deepEqual(lines(cleaning), ['bar.future info A 2026-02-02']);
  assert.deepEqual(cleanDates(cleaning, 'A'), DAYS);
});

test('a split listed after the tick is no bar and no finding, and still one of the share', () => {
  const later = { open: null, high: null, low: null, close: null, volume: null, split: 3 };
  const cleaning = clean({ [INDEX]: index, A: [...steady(), { date: '2026-05-20', ...later }] });
  assert.deepEqual(cleaning.findings, []);
  assert.deepEqual(cleaning.series.get('A')?.rows, { all: DAYS.length, errors: 0 });
  assert.deepEqual([...(cleaning.series.get('A')?.events.splits ?? [])], [['2026-05-20', 3]]);
});

test('a holiday printed flat in most series is dropped, a lone trade on it is quarantined', () => {
  const holiday = '2026-01-15';
  const cleaning = clean({
    [INDEX]: index,
    A: [...steady(), flat(holiday, 107)].toSorted(byDate),
    B: [...steady(), flat(holiday, 107)].toSorted(byDate),
    C: [...steady(), bar(holiday, 107)].toSorted(byDate),
  });
  assert.deepEqual(lines(cleaning), [
    `bar.phantom warn A ${holiday}`,
    `bar.phantom warn B ${holiday}`,
    `bar.phantom error C ${holiday}`,
  ]);
  for (const symbol of ['A', 'B', 'C']) assert.deepEqual(cleanDates(cleaning, symbol), DAYS);
});

test('when most series trade on a day the calendar calls closed, the calendar is doubted and the bars stay', () => {
  const saturday = '2026-01-24';
  const extra = (bars: readonly Bar[]): Bar[] => [...bars, bar(saturday, 115)].toSorted(byDate);
  const cleaning = clean({ [INDEX]: index, A: extra(steady()), B: extra(steady()), C: steady() });
  assert.deepEqual(lines(cleaning), [
    `calendar.disagrees warn A ${saturday}`,
    `calendar.disagrees warn B ${saturday}`,
  ]);
  assert.ok(cleanDates(cleaning, 'A').includes(saturday));
  assert.ok(!cleaning.index.dates.includes(saturday));
});

test('a session without index whose rows are mostly flat loses its flat rows only', () => {
  const day = '2026-01-20';
  const holed = index.filter(({ date }) => date !== day);
  const flatDay = steady((date, close) => (date === day ? flat(date, close) : bar(date, close)));
  const cleaning = clean({ [INDEX]: holed, A: flatDay, B: flatDay, C: steady() });
  assert.deepEqual(lines(cleaning, 'bar.phantom'), [
    `bar.phantom warn A ${day}`,
    `bar.phantom warn B ${day}`,
  ]);
  assert.deepEqual(lines(cleaning, 'bar.flat-zero'), []);
  assert.ok(cleanDates(cleaning, 'C').includes(day));
  assert.deepEqual(lines(cleaning, 'index-gap'), [`index-gap info ${INDEX} ${day}`]);
});

test('beyond the calendar’s knowledge no bar is called wrong', () => {
  const sunday = '2031-01-05';
  const cleaning = clean(
    { [INDEX]: [bar(sunday, 80_000)], A: [bar(sunday, 100)] },
    { period: { from: '2031-01-01', to: '2031-01-07' } },
  );
  assert.deepEqual(lines(cleaning), []);
  assert.deepEqual(cleanDates(cleaning, 'A'), [sunday]);
});

test('a holiday known from memory alone makes no bar wrong', () => {
  const holiday = '2026-01-15';
  const known = calendarFor('XBOM');
  const calendar = { ...known, holidays: new Map(known.holidays).set(holiday, 'memory') };
  const bars = [...steady(), bar(holiday, 107)].toSorted(byDate);
  assert.deepEqual(
    lines(clean({ [INDEX]: index, A: bars, B: steady(), C: steady() }, { calendar }), 'bar.phantom'),
    [],
  );
  assert.deepEqual(lines(clean({ [INDEX]: index, A: bars, B: steady(), C: steady() }), 'bar.phantom'), [
    `bar.phantom error A ${holiday}`,
  ]);
});

test('impossible values are quarantined', () => {
  const cases: readonly Partial<Bar>[] = [
    { low: 0 },
    { close: -1 },
    { volume: -5 },
    { volume: 1.5 },
    { adjClose: 0 },
    { adjClose: -2.38e21 },
    { adjClose: 2e21 },
  ];
  for (const other of cases) {
    const cleaning = clean({ [INDEX]: index, A: on('2026-01-07', { adjClose: 102, ...other }) });
    assert.deepEqual(
      lines(cleaning, 'bar.positive'),
      ['bar.positive error A 2026-01-07'],
      JSON.stringify(other),
    );
  }
});

test('a series with more than one impossible row in twenty is refused', () => {
  const month = sessionDates('2025-12-01', TICK);
  const bars = (bad: number): Bar[] =>
    month.map((date, i) => bar(date, 100 + i, i < bad ? { volume: -1 } : {}));
  const options = { period: { from: '2025-12-01', to: TICK } };
  const most = Math.floor(month.length / 20);
  const kept = clean({ [INDEX]: month.map((date) => bar(date, 80_000)), A: bars(most) }, options);
  assert.deepEqual([kept.refused.size, kept.series.get('A')?.rows.errors], [0, most]);
  const refused = clean({ [INDEX]: month.map((date) => bar(date, 80_000)), A: bars(most + 1) }, options);
  assert.deepEqual(
    [...refused.refused],
    [['A', { code: 'bar.positive', reason: `${most + 1} of ${month.length} rows have impossible values` }]],
  );
});

test('a close outside low … high is quarantined beyond the rounding of adjusted prices', () => {
  const cleaning = clean({
    [INDEX]: index,
    A: on('2026-01-07', { open: 100, high: 102, low: 99, close: 102.0001 }),
    B: on('2026-01-07', { open: 100, high: 102, low: 99, close: 102.000_03 }),
    C: on('2026-01-07', { open: 98.999, high: 102, low: 99, close: 101 }),
    D: on('2026-01-07', { open: 100, high: 99, low: 101, close: 100 }),
  });
  assert.deepEqual(lines(cleaning, 'bar.ohlc'), [
    'bar.ohlc error C 2026-01-07',
    'bar.ohlc error D 2026-01-07',
  ]);
  const more = clean({ [INDEX]: index, A: on('2026-01-07', { high: 102, close: 102.0002 }) });
  assert.deepEqual(lines(more, 'bar.ohlc'), ['bar.ohlc error A 2026-01-07']);
});

test('a flat day without volume on a session is a halt for a stock and nothing for the index', () => {
  const day = '2026-01-20';
  const halted = steady((date, close) => (date === day ? flat(date, close) : bar(date, close)));
  const cleaning = clean({ [INDEX]: halted, A: halted, B: steady(), C: steady() });
  assert.deepEqual(lines(cleaning, 'bar.flat-zero'), [`bar.flat-zero warn A ${day}`]);
  assert.ok(cleanDates(cleaning, INDEX).includes(day));
});

test('a series whose bars come after holes more often than one in four is refused, one long hole is none', () => {
  const every = (n: number): Bar[] => steady().filter((_, i) => i % n === 0);
  const kept = (bars: readonly Bar[]): Cleaning => clean({ [INDEX]: index, A: bars, B: steady() });
  const fifth = kept(every(5));
  assert.equal(DAYS.length, 18);
  assert.deepEqual(
    [...fifth.refused],
    [['A', { code: 'series.sparse', reason: '3 of 4 bars come after a hole' }]],
  );
  assert.deepEqual(lines(fifth), [`series.sparse error A ${DAYS[0] ?? ''}`]);
  const holes = (...missing: readonly number[]): Bar[] => steady().filter((_, i) => !missing.includes(i));
  // 12 bars, three of them after a hole; 14 bars with four.
  assert.deepEqual([...kept(holes(2, 5, 8, 9, 10, 11)).refused.keys()], []);
  assert.deepEqual([...kept(holes(2, 5, 8, 11)).refused.keys()], ['A']);
  assert.deepEqual([...kept(steady().filter((_, i) => i < 3 || i > 11)).refused.keys()], []);
  const thin = clean({ [INDEX]: index.filter((_, i) => i % 2 === 0), A: steady() });
  assert.deepEqual([...thin.refused.keys()], [INDEX]);
});

test('five equal closes with volume are stale, and so is an end more than three sessions before the tick', () => {
  const repeated = steady((date, close) =>
    bar(date, date >= '2026-01-12' && date <= '2026-01-19' ? 103 : close),
  );
  const cleaning = clean({
    [INDEX]: index,
    A: repeated,
    B: steady().slice(0, -4),
    C: steady().slice(0, -3),
  });
  // 12, 13, 14, 16 and 19 January: five sessions, the 15th is a holiday.
  assert.deepEqual(lines(cleaning, 'series.stale'), [
    'series.stale warn A 2026-01-12',
    `series.stale error B ${DAYS.at(-5) ?? ''}`,
  ]);
});

test('missing sessions are listed, a late start is told once instead', () => {
  const cleaning = clean({
    [INDEX]: index,
    A: steady().filter(({ date }) => date !== '2026-01-20' && date !== '2026-01-21'),
    B: steady().slice(5),
    C: steady().slice(6),
  });
  assert.deepEqual(lines(cleaning), [
    'series.gap info A 2026-01-20 2026-01-21',
    `series.gap info B ${DAYS.slice(0, 5).join(' ')}`,
    `series.short warn C ${DAYS[6] ?? ''}`,
  ]);
});

test('a special session is expected only of others when some series has it', () => {
  const budget = '2025-02-01';
  const days = sessionDates('2025-01-20', '2025-02-07');
  const options = { period: { from: '2025-01-20', to: '2025-02-07' } };
  const all = (extra: boolean): Bar[] =>
    [...days, ...(extra ? [budget] : [])].sort().map((date, i) => bar(date, 100 + i));
  assert.deepEqual(lines(clean({ [INDEX]: all(false), A: all(false) }, options)), []);
  assert.deepEqual(lines(clean({ [INDEX]: all(false), A: all(true), B: all(false) }, options)), [
    `series.gap info B ${budget}`,
    `index-gap info ${INDEX} ${budget}`,
  ]);
});

test('an index day stays on the axis when only its range is wrong', () => {
  const odd = index.map((one) => (one.date === '2026-01-20' ? { ...one, high: 1, low: 1 } : one));
  const cleaning = clean({ [INDEX]: odd, A: steady() });
  assert.deepEqual(lines(cleaning, 'bar.ohlc'), [`bar.ohlc error ${INDEX} 2026-01-20`]);
  assert.ok(cleaning.index.dates.includes('2026-01-20'));
});

test('an index row on a holiday is no day of the axis, even where only its close is filled', () => {
  const holiday = '2026-01-15';
  const full = clean({
    [INDEX]: [...index, bar(holiday, 80_107)].toSorted(byDate),
    A: steady(),
    B: steady(),
  });
  assert.deepEqual(lines(full, 'bar.phantom'), [`bar.phantom error ${INDEX} ${holiday}`]);
  assert.deepEqual(full.index.dates, DAYS);
  const partial = clean({
    [INDEX]: [...index, bar(holiday, 80_107, { open: null })].toSorted(byDate),
    A: steady(),
  });
  assert.deepEqual(lines(partial, 'bar.partial'), [`bar.partial error ${INDEX} ${holiday}`]);
  assert.deepEqual(partial.index.dates, DAYS);
});
