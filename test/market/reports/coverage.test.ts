import assert from 'node:assert/strict';
import test from 'node:test';
import { toSeries } from '../../../src/market/bars.ts';
import { measureCoverage } from '../../../src/market/reports/coverage.ts';
import type { Coverage } from '../../../src/market/reports/coverage.ts';
import type { Session } from '../../../src/base/session.ts';
import { bar } from '../checks/bars.ts';

const sessions: readonly Session[] = Array.from({ length: 10 }, (_, i) => ({
  date: `2026-01-${String(i + 10)}`,
  kind: i === 4 ? 'special' : 'regular',
  provisional: false,
  openMs: 0,
  closeMs: 0,
}));
const dates = sessions.map(({ date }) => date);

function measure(
  present: readonly string[],
  {
    observed = dates,
    errors = 0,
    firstTradeDate,
  }: { observed?: string[]; errors?: number; firstTradeDate?: string } = {},
): Coverage {
  const bars = toSeries(
    'A',
    present.map((date) => bar(date, 1)),
  );
  const stock = { bars, events: { splits: new Map(), dates: new Set<string>() }, rows: { all: 20, errors } };
  return measureCoverage(stock, { sessions, observed: new Set(observed) }, firstTradeDate);
}

test('completeness is the share of regular sessions with a clean bar; special ones count neither way', () => {
  assert.equal(measure(dates).completeness, 1);
  assert.equal(measure(dates.filter((_, i) => i !== 4)).completeness, 1);
  assert.equal(measure(dates.filter((_, i) => i !== 5)).completeness, 8 / 9);
});

test('sessions on which no series has a bar are not expected', () => {
  const seen = dates.filter((_, i) => i !== 6);
  assert.equal(measure(seen, { observed: seen }).completeness, 1);
});

test('a stock is measured from its listing on', () => {
  assert.equal(measure(dates.slice(6), { firstTradeDate: dates[6] ?? '' }).completeness, 1);
  assert.equal(measure(dates.slice(6)).completeness, 4 / 9);
  assert.equal(measure([], { firstTradeDate: '2027-01-01' }).completeness, 0);
});

test('the score falls with error rows and with each of five sessions behind, never below 0', () => {
  assert.equal(measure(dates, { errors: 5 }).score, 0.75);
  const two = measure(dates.slice(0, 8));
  assert.deepEqual([two.sessionsBehind, two.score], [2, (7 / 9) * (1 - 2 / 5)]);
  const six = measure(dates.slice(0, 3));
  assert.deepEqual([six.sessionsBehind, six.score], [6, 0]);
});
