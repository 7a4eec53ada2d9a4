import { sessionsBetween } from '../../base/session.ts';
import type { Session, SessionTable } from '../../base/session.ts';
import { selectRows, toSeries } from '../bars.ts';
import type { RawCsv, Series } from '../bars.ts';
import { byCodeUnit } from '../by-code-unit.ts';
import {
  dropFutureRows,
  dropNullRows,
  quarantineFlatRows,
  quarantineImpossibleRange,
  quarantineNonPositive,
  quarantinePartialRows,
} from './bar-rules.ts';
import { isLaterSplit, shareEvents } from './events.ts';
import type { ShareEvents } from './events.ts';
import { findingsOf } from './finding.ts';
import type { Finding, RuleResult } from './finding.ts';
import { indexCloses, indexMoves } from './index-closes.ts';
import type { IndexCloses } from './index-closes.ts';
import { findJumps, findUnadjustedSplits } from './moves.ts';
import { dropPhantomRows, judgeDays, knownClosed } from './phantom-days.ts';
import type { DayVerdict } from './phantom-days.ts';
import { mergeDuplicates, sortRows } from './row-order.ts';
import { findGaps, findSparse, findStale } from './series-rules.ts';
import { quarantineSpikes } from './spikes.ts';

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

/** The rule a whole series fell to, and why in words. */
export interface Refusal {
  readonly code: string;
  readonly reason: string;
}

/** All series after cleaning. */
export interface Cleaning {
  /** By symbol, the refused ones left out; the index is one of them. */
  readonly series: ReadonlyMap<string, CleanSeries>;
  /** By symbol. */
  readonly refused: ReadonlyMap<string, Refusal>;
  /** Ascending by symbol, then in the order of the rules. */
  readonly findings: readonly Finding[];
  readonly index: IndexCloses;
  readonly sessions: readonly Session[];
  /** Dates on which some series has a clean row, a refused one included. */
  readonly observed: ReadonlySet<string>;
}

/** A series with more bad prices than this share of its rows is refused. */
const MAX_BAD_SHARE = 0.05;

/** A series on its way through the rules. */
interface Draft {
  /** Its rows inside the period, as sent. */
  readonly sent: Series;
  readonly events: ShareEvents;
  /** Those that are left. */
  readonly bars: Series;
  readonly findings: readonly Finding[];
}

/** What a series as a whole is held to. */
interface MarketDays {
  readonly regular: readonly string[];
  /** Sessions, regular and special, on which some series has a bar. */
  readonly expected: readonly string[];
  /** The index's own return (a fraction) by date. */
  readonly indexMoves: ReadonlyMap<string, number>;
}

/**
 * Cleans all series of a run at once: rule by rule the rows, then each series as a whole by what is left of all.
 * Pure: the same rows give the same bars and findings.
 */
export function cleanAll(raw: ReadonlyMap<string, RawCsv>, options: CleanOptions): Cleaning {
  const { calendar, indexSymbol, period } = options;
  const sessions = sessionsBetween(calendar, period.from, period.to);
  const { drafts, verdictOf } = siftRows(toDrafts(raw, period), options, sessions);
  const observed = new Set(drafts.flatMap(({ bars }) => bars.dates));
  const rawIndex = drafts.find(({ bars }) => bars.symbol === indexSymbol)?.sent;
  const index = indexCloses(
    rawIndex ?? toSeries(indexSymbol, []),
    (date) => date > period.to || verdictOf(date) === 'closed',
  );
  const days: MarketDays = {
    regular: sessions.filter(({ kind }) => kind === 'regular').map(({ date }) => date),
    expected: sessions.map(({ date }) => date).filter((date) => observed.has(date)),
    indexMoves: indexMoves(index),
  };

  const series = new Map<string, CleanSeries>();
  const refused = unreadable(raw);
  const findings = [...refused].flatMap(([symbol, { reason }]) =>
    findingsOf({ rule: 'bar.format', severity: 'error', symbol }, [{ date: '', detail: reason }]),
  );
  for (const draft of drafts) {
    const { bars, events, sent } = draft;
    const judged = judgeSeries(draft, days, options);
    findings.push(...judged.findings);
    if (judged.refusal !== undefined) refused.set(bars.symbol, judged.refusal);
    else {
      const rows = { all: sent.dates.length, errors: countErrors(draft.findings) };
      series.set(bars.symbol, { bars, events, rows });
    }
  }
  findings.sort((a, b) => byCodeUnit(a.symbol, b.symbol));
  return { series, refused, findings, index, sessions, observed };
}

function unreadable(raw: ReadonlyMap<string, RawCsv>): Map<string, Refusal> {
  const refused = new Map<string, Refusal>();
  for (const [symbol, parsed] of raw) {
    if (parsed.ok) continue;
    refused.set(symbol, { code: 'bar.format', reason: `line ${parsed.line}: ${parsed.detail}` });
  }
  return refused;
}

/** The series that could be read, ascending by symbol, cut to the period. */
function toDrafts(raw: ReadonlyMap<string, RawCsv>, { from, to }: CleanOptions['period']): Draft[] {
  return [...raw.values()]
    .flatMap((parsed) => (parsed.ok ? [parsed.series] : []))
    .sort((a, b) => byCodeUnit(a.symbol, b.symbol))
    .map((series) => {
      const rows = [...series.dates.keys()].filter(
        (row) => from <= (series.dates[row] ?? '') && !isLaterSplit(series, row, to),
      );
      const sent = rows.length === series.dates.length ? series : selectRows(series, rows);
      return { sent, events: shareEvents(series), bars: sent, findings: [] };
    });
}

/** The rules of rows in their order; between the two runs it shows which days are none, for that takes all series. */
function siftRows(
  received: readonly Draft[],
  { calendar, indexSymbol, period }: CleanOptions,
  sessions: readonly Session[],
): { readonly drafts: readonly Draft[]; readonly verdictOf: (date: string) => DayVerdict | undefined } {
  const newestDate = newestOf(received, period.to);
  const ordered = received.map((draft) =>
    applyRules(draft, [
      (series) => dropNullRows(series, newestDate),
      quarantinePartialRows,
      sortRows,
      mergeDuplicates,
      (series) => dropFutureRows(series, period.to),
    ]),
  );
  const verdictOf = judgeDays(
    ordered.map(({ bars }) => bars),
    indexSymbol,
    knownClosed(calendar, sessions),
  );
  const drafts = ordered.map((draft) =>
    applyRules(draft, [
      (series) => dropPhantomRows(series, verdictOf),
      quarantineNonPositive,
      quarantineImpossibleRange,
      ...(draft.bars.symbol === indexSymbol ? [] : [quarantineFlatRows]),
      (series) => quarantineSpikes(series, draft.events.splits),
    ]),
  );
  return { drafts, verdictOf };
}

function applyRules(draft: Draft, rules: readonly ((series: Series) => RuleResult)[]): Draft {
  let { bars } = draft;
  const findings = [...draft.findings];
  for (const rule of rules) {
    const result = rule(bars);
    bars = result.series;
    findings.push(...result.findings);
  }
  return { ...draft, bars, findings };
}

function newestOf(received: readonly Draft[], tickDate: string): string {
  let newest = '';
  for (const { sent } of received) {
    for (const date of sent.dates) if (date <= tickDate && date > newest) newest = date;
  }
  return newest;
}

/** What the rules of series say of one, behind those of its rows, and whether it falls to one of them. */
function judgeSeries(
  { sent, events, bars, findings }: Draft,
  { regular, expected, indexMoves }: MarketDays,
  { indexSymbol, allowUnadjustedSplit }: CleanOptions,
): { readonly findings: readonly Finding[]; readonly refusal?: Refusal } {
  const { symbol } = bars;
  const splits = findUnadjustedSplits(bars, events, indexMoves, regular);
  const sparse = findSparse(bars, expected);
  const found = [...findings, ...findJumps(bars, events, indexMoves), ...splits, ...sparse];
  const refuse = (code: string, reason: string): ReturnType<typeof judgeSeries> => ({
    findings: found,
    refusal: { code, reason },
  });
  const all = sent.dates.length;
  const bad = findings.find(({ rule }) => rule === 'bar.positive')?.count ?? 0;
  const split = splits[0]?.rows[0];
  const hole = sparse[0]?.rows[0];
  if (bad > MAX_BAD_SHARE * all)
    return refuse('bar.positive', `${bad} of ${all} rows have impossible values`);
  if (split !== undefined && !allowUnadjustedSplit.includes(symbol))
    return refuse('series.unadjusted-split', `${split.date}: ${split.detail}`);
  if (hole !== undefined) return refuse('series.sparse', hole.detail);
  return {
    findings: [...found, ...findStale(bars, regular), ...findGaps(bars, expected, symbol === indexSymbol)],
  };
}

function countErrors(findings: readonly Finding[]): number {
  const errors = findings.filter(({ severity }) => severity === 'error');
  return errors.reduce((sum, { count }) => sum + count, 0);
}
