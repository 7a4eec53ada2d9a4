import assert from 'node:assert/strict';
import test from 'node:test';
import { toSeries } from '../../src/market/bars.ts';
import { calendarFor } from '../../src/market/calendar.ts';
import { buildFetchReport } from '../../src/market/fetch-report.ts';
import type { FetchReport, FetchReportInput, FetchResult } from '../../src/market/fetch-report.ts';
import { parseFetchReport } from '../../src/market/reports/parse-fetch-report.ts';
import { formatJson } from '../../src/market/reports/json-text.ts';
import { bar, flat, INDEX, sessionDates } from './checks/bars.ts';
import { LIMITS } from './recorded-run.ts';

const DAYS = sessionDates('2025-08-01', '2026-01-30');

function fetched(
  symbol: string,
  dates: readonly string[],
  other: Partial<FetchResult & { ok: true }> = {},
): FetchResult {
  return {
    ok: true,
    symbol,
    series: toSeries(
      symbol,
      dates.map((date, i) => bar(date, 100 + i)),
    ),
    currency: 'INR',
    ...other,
  };
}

const index = fetched(INDEX, DAYS);

function input(results: readonly FetchResult[], overrides: Partial<FetchReportInput> = {}): FetchReportInput {
  return {
    results: [...results, index],
    indexSymbol: INDEX,
    period: { from: '2025-08-01', to: '2026-01-30' },
    calendar: calendarFor('XBOM'),
    params: LIMITS,
    source: 'simulated',
    ...overrides,
  };
}

function report(results: readonly FetchResult[], overrides: Partial<FetchReportInput> = {}): FetchReport {
  return buildFetchReport(input(results, overrides));
}

const six = (value: number): number => Math.round(value * 1e6) / 1e6;

test('the report counts and measures what was fetched, and leaves the judgement to the gates of the pipeline', () => {
  const n = DAYS.length;
  const made = report([
    fetched('B', DAYS.slice(0, -2)),
    fetched('A', DAYS),
    fetched(
      'D',
      DAYS.filter((_, i) => i % 10 !== 0),
    ),
    { ok: false, symbol: 'C', code: 'yahoo.not-found', reason: 'No data found' },
  ]);
  assert.deepEqual([made.stocks_requested, made.stocks_successful, made.success_rate], [4, 2, 0.5]);
  const d = DAYS.filter((_, i) => i % 10 !== 0).length / n;
  const behindD = DAYS.at(-1) === DAYS.filter((_, i) => i % 10 !== 0).at(-1) ? 0 : 1;
  assert.deepEqual(made.data_completeness, {
    A: 1,
    B: six((n - 2) / n),
    C: 0,
    D: six(d),
    avg_completeness: six((1 + (n - 2) / n + d) / 4),
  });
  assert.deepEqual(made.data_freshness, { A: 0, B: 2, C: null, D: behindD });
  assert.equal(made.data_quality_score, six((1 + ((n - 2) / n) * 0.6 + d * (1 - behindD / 5)) / 4));
  assert.equal('gates' in made, false);
  assert.deepEqual(made.missing, [{ symbol: 'C', code: 'yahoo.not-found', reason: 'No data found' }]);
});

test('the timestamp is the close of the tick’s session in UTC', () => {
  assert.equal(report([fetched('A', DAYS)]).timestamp, '2026-01-30T10:00:00Z');
  const sunday = { from: '2025-08-01', to: '2026-01-25' };
  assert.equal(report([], { period: sunday }).timestamp, '2026-01-23T10:00:00Z');
});

test('completeness counts from the listing on; a short history is complete but not successful', () => {
  const listed = DAYS[60] ?? '';
  const made = report([
    fetched('A', DAYS.slice(60), { firstTradeDate: listed }),
    fetched('B', DAYS.slice(60)),
  ]);
  assert.deepEqual([made.data_completeness['A'], made.stocks_successful], [1, 0]);
  assert.equal(made.data_completeness['B'], six((DAYS.length - 60) / DAYS.length));
  const enough = { ...LIMITS, min_rows: 50 };
  assert.equal(
    report([fetched('A', DAYS.slice(60), { firstTradeDate: listed })], { params: enough }).stocks_successful,
    1,
  );
});

test('error rows lower the score by their share, quarantined halts lower completeness', () => {
  const n = DAYS.length;
  const broken = toSeries(
    'A',
    DAYS.map((date, i) => bar(date, 100 + i, i < 2 ? { volume: -1 } : {})),
  );
  const halted = toSeries(
    'A',
    DAYS.map((date, i) => (i < 2 ? flat(date, 100) : bar(date, 100 + i))),
  );
  const bad = report([{ ok: true, symbol: 'A', series: broken, currency: 'INR' }]);
  assert.equal(bad.data_quality_score, six(((n - 2) / n) * ((n - 2) / n)));
  const halt = report([{ ok: true, symbol: 'A', series: halted, currency: 'INR' }]);
  assert.equal(halt.data_quality_score, six((n - 2) / n));
});

test('a series in another currency or a minor unit is refused', () => {
  const made = report([fetched('A', DAYS, { currency: 'GBp' }), fetched('B', DAYS)]);
  assert.deepEqual(made.missing, [{ symbol: 'A', code: 'series.unit', reason: 'quoted in GBp, not INR' }]);
  assert.equal(made.findings[0]?.rule, 'series.unit');
  assert.equal(made.data_freshness['A'], null);
});

test('a refused and an empty series are missing, the index too when it failed', () => {
  const split = toSeries(
    'A',
    DAYS.map((date, i) => bar(date, i < 60 ? 100 : 50)),
  );
  const results: FetchResult[] = [
    { ok: true, symbol: 'A', series: split, currency: 'INR' },
    { ok: true, symbol: 'B', series: toSeries('B', []), currency: 'INR' },
    { ok: false, symbol: INDEX, code: 'yahoo.unavailable', reason: 'HTTP 503' },
  ];
  const made = buildFetchReport({ ...input([]), results });
  assert.deepEqual(
    made.missing.map(({ symbol, code }) => `${symbol} ${code}`),
    ['A series.unadjusted-split', 'B series.empty', `${INDEX} yahoo.unavailable`],
  );
  const allowed = { ...LIMITS, allow_unadjusted_split: ['A'] };
  assert.equal(
    report([{ ok: true, symbol: 'A', series: split, currency: 'INR' }], { params: allowed })
      .stocks_successful,
    1,
  );
});

test('a finding lists at most fifty rows and counts all', () => {
  const made = report([
    fetched(
      'A',
      DAYS.filter((_, i) => i < 20 || i >= 80),
    ),
  ]);
  const gap = made.findings.find(({ rule }) => rule === 'series.gap');
  assert.equal(gap?.rows.length, 50);
  assert.equal(gap?.count, 60);
});

test('the order of results changes no byte', () => {
  const results = [fetched('B', DAYS), fetched('A', DAYS), fetched('M&M', DAYS)];
  assert.equal(formatJson(report(results)), formatJson(report(results.toReversed())));
});

test('a report without what a feature run relies on is refused by the key', () => {
  const whole = { ...report([fetched('A', DAYS)]) } as Record<string, unknown>;
  for (const key of ['data_period', 'timestamp', 'data_freshness', 'missing', 'data_quality_score']) {
    const { [key]: _, ...rest } = whole;
    assert.throws(() => parseFetchReport(JSON.stringify(rest)), {
      message: new RegExp(`"${key}" is absent`),
    });
  }
  assert.throws(() => parseFetchReport('[]'), /the report is absent or of another kind/);
});
