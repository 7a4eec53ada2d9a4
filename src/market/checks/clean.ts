import { sessionsBetween } from '../../base/session.ts';
import type { Session, SessionTable } from '../../base/session.ts';
import { selectRows } from '../bars.ts';
import type { RawCsv, Series } from '../bars.ts';
import { byCodeUnit } from '../by-code-unit.ts';
import { isKnownClosed, judgeDays } from './day-verdicts.ts';
import type { KnownSessions } from './day-verdicts.ts';
import { isLaterSplit, NO_EVENTS, shareEvents } from './events.ts';
import type { ShareEvents } from './events.ts';
import { findingsOf } from './finding.ts';
import type { Finding } from './finding.ts';
import { quarantineFlatRows } from './flat-rows.ts';
import { dropFutureRows } from './future-rows.ts';
import { indexCloses, indexMoves } from './index-closes.ts';
import type { IndexCloses } from './index-closes.ts';
import { findJumps } from './jumps.ts';
import { dropNullRows } from './null-rows.ts';
import { quarantineImpossibleRange } from './ohlc-rows.ts';
import { quarantinePartialRows } from './partial-rows.ts';
import { dropPhantomRows } from './phantom-rows.ts';
import { quarantineNonPositive } from './positive-rows.ts';
import { mergeDuplicates, sortRows } from './row-order.ts';
import { findGaps } from './series-gaps.ts';
import type { RuleResult } from './sift.ts';
import { findSparse } from './sparse-series.ts';
import { quarantineSpikes } from './spike-rows.ts';
import { findStale } from './stale-series.ts';
import { findUnadjustedSplits } from './unadjusted-split.ts';

/** What the rules are judged against. */
export interface CleanOptions {
  readonly calendar: SessionTable;
  readonly indexSymbol: string;
  /** First and last local date that count; rows before `from` are left out silently, as are splits after `to`, the tick's date. */
  readonly period: { readonly from: string; readonly to: string };
  /** Symbols whose jumps by a whole factor, or by more than 20, are believed. */
  readonly allowUnadjustedSplit: readonly string[];
}

/** One series after cleaning. */
export interface CleanSeries {
  readonly bars: Series;
  readonly events: ShareEvents;
  /** Rows inside the period as sent, and how many of them are errors. */
  readonly rows: { readonly all: number; readonly errors: number };
}

/** All series after cleaning. */
export interface Cleaning {
  /** By symbol, the refused ones left out; the index is one of them. */
  readonly series: ReadonlyMap<string, CleanSeries>;
  /** By symbol: the rule a whole series fell to, and why in words. */
  readonly refused: ReadonlyMap<string, { readonly code: string; readonly reason: string }>;
  /** Ascending by symbol, then in the order of the rules. */
  readonly findings: readonly Finding[];
  readonly index: IndexCloses;
  readonly sessions: readonly Session[];
  /** Dates on which some series has a clean row, a refused one included. */
  readonly observed: ReadonlySet<string>;
}

/** A series with more bad prices than this share of its rows is refused. */
const MAX_BAD_SHARE = 0.05;

/**
 * Cleans all series of a run at once, in a fixed order of rules: format, null, partial, order and duplicates, future,
 * phantom days, impossible values, impossible ranges, flat days, spikes; then jumps, unadjusted splits, sparse series,
 * staleness and gaps are looked for in what is left. Pure: the same rows give the same bars and findings.
 */
export function cleanAll(raw: ReadonlyMap<string, RawCsv>, options: CleanOptions): Cleaning {
  const { calendar, indexSymbol, period } = options;
  const sessions = sessionsBetween(calendar, period.from, period.to);
  const known: KnownSessions = {
    sessionDates: new Set(sessions.map(({ date }) => date)),
    knownFrom: calendar.knownFrom,
    knownThrough: calendar.knownThrough,
    doubtedHolidays: new Set(
      [...calendar.holidays].filter(([, source]) => source === 'memory').map(([date]) => date),
    ),
  };
  const regular = sessions.filter(({ kind }) => kind === 'regular').map(({ date }) => date);
  const findings: Finding[] = [];
  const refused = new Map<string, { code: string; reason: string }>();

  const sent = new Map<string, Series>();
  const events = new Map<string, ShareEvents>();
  for (const [symbol, parsed] of [...raw].sort(([a], [b]) => byCodeUnit(a, b))) {
    if (parsed.ok) {
      sent.set(symbol, clipTo(parsed.series, period));
      events.set(symbol, shareEvents(parsed.series));
    } else {
      const reason = `line ${parsed.line}: ${parsed.detail}`;
      refused.set(symbol, { code: 'bar.format', reason });
      findings.push(
        ...findingsOf({ rule: 'bar.format', severity: 'error', symbol }, [{ date: '', detail: reason }]),
      );
    }
  }

  const eventsOf = (symbol: string): ShareEvents => events.get(symbol) ?? NO_EVENTS;
  const newestDate = newestOf([...sent.values()], period.to);
  const ordered = mapSeries(sent, findings, [
    (series) => dropNullRows(series, newestDate),
    quarantinePartialRows,
    sortRows,
    mergeDuplicates,
    (series) => dropFutureRows(series, period.to),
  ]);
  const verdicts = judgeDays([...ordered.values()], indexSymbol, known);
  const isIndex = (series: Series): boolean => series.symbol === indexSymbol;
  const sifted = mapSeries(ordered, findings, [
    (series) => dropPhantomRows(series, verdicts),
    quarantineNonPositive,
    quarantineImpossibleRange,
    (series) => (isIndex(series) ? { series, findings: [] } : quarantineFlatRows(series)),
    (series) => quarantineSpikes(series, eventsOf(series.symbol).splits),
  ]);
  const observed = new Set([...sifted.values()].flatMap(({ dates }) => dates));
  const expected = sessions.map(({ date }) => date).filter((date) => observed.has(date));

  const rawIndex = sent.get(indexSymbol);
  const isClosed = (date: string): boolean =>
    date > period.to ||
    verdicts.get(date) === 'closed' ||
    (verdicts.get(date) !== 'disputed' && isKnownClosed(known, date));
  const index =
    rawIndex === undefined ? { dates: [], close: new Float64Array(0) } : indexCloses(rawIndex, isClosed);
  const moves = indexMoves(index);

  const series = new Map<string, CleanSeries>();
  for (const [symbol, bars] of sifted) {
    const own = eventsOf(symbol);
    findings.push(...findJumps(bars, { eventDates: own.dates, indexMoves: moves }));
    const splits = findUnadjustedSplits(bars, {
      splits: own.splits,
      indexMoves: moves,
      regular,
    });
    const sparse = findSparse(bars, expected);
    findings.push(...splits, ...sparse);
    const all = sent.get(symbol)?.dates.length ?? 0;
    const bad = findings.find((one) => one.rule === 'bar.positive' && one.symbol === symbol)?.count ?? 0;
    if (bad > MAX_BAD_SHARE * all) {
      refused.set(symbol, { code: 'bar.positive', reason: `${bad} of ${all} rows have impossible values` });
    } else if (splits.length > 0 && !options.allowUnadjustedSplit.includes(symbol)) {
      const first = splits[0]?.rows[0];
      refused.set(symbol, { code: 'series.unadjusted-split', reason: `${first?.date}: ${first?.detail}` });
    } else if (sparse.length > 0) {
      refused.set(symbol, { code: 'series.sparse', reason: sparse[0]?.rows[0]?.detail ?? '' });
    } else {
      series.set(symbol, { bars, events: own, rows: { all, errors: errorRows(findings, symbol) } });
    }
  }

  for (const { bars } of series.values()) {
    findings.push(...findStale(bars, regular), ...findGaps(bars, expected, isIndex(bars)));
  }
  findings.sort((a, b) => byCodeUnit(a.symbol, b.symbol));
  return { series, refused, findings, index, sessions, observed };
}

function mapSeries(
  all: ReadonlyMap<string, Series>,
  findings: Finding[],
  rules: readonly ((series: Series) => RuleResult)[],
): ReadonlyMap<string, Series> {
  const result = new Map<string, Series>();
  for (const [symbol, series] of all) {
    let current = series;
    for (const rule of rules) {
      const step = rule(current);
      findings.push(...step.findings);
      current = step.series;
    }
    result.set(symbol, current);
  }
  return result;
}

function clipTo(series: Series, { from, to }: CleanOptions['period']): Series {
  const rows = series.dates.flatMap((date, row) =>
    date < from || isLaterSplit(series, row, to) ? [] : [row],
  );
  return rows.length === series.dates.length ? series : selectRows(series, rows);
}

function newestOf(all: readonly Series[], tickDate: string): string {
  let newest = '';
  for (const { dates } of all) for (const date of dates) if (date <= tickDate && date > newest) newest = date;
  return newest;
}

function errorRows(findings: readonly Finding[], symbol: string): number {
  let rows = 0;
  for (const one of findings) {
    if (one.symbol === symbol && one.severity === 'error' && one.rule.startsWith('bar.')) rows += one.count;
  }
  return rows;
}
