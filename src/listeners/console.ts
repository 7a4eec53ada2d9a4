import type { Event, Listener } from '../base/event.ts';
import type { ReadLine } from '../base/problem-text.ts';
import { displayWidth, padColumns } from '../base/display-width.ts';
import { oneLine } from '../base/text.ts';
import { emptyRun, reduceRun } from '../base/run-state.ts';
import { fitName } from './console/cut.ts';
import { formatMutexWait, formatRestored } from './console/details.ts';
import { finishedRow, gateRow, recoveredRow, retriedRow, startedRow } from './console/event-rows.ts';
import { formatLiveArea } from './console/live-area.ts';
import { NAME_SHARE, formatRow } from './console/rows.ts';
import type { Row } from './console/rows.ts';
import { createLiveScreen, createPlainScreen } from './console/screen.ts';
import { createStageOutput } from './console/stage-output.ts';
import { SYMBOL_COLOURS, createStyle } from './console/style.ts';
import type { SymbolName } from './console/style.ts';
import { formatError, formatFailures, formatSummary, formatWarning } from './console/summary.ts';
import {
  createTransfers,
  formatPulled,
  formatTransferBreak,
  formatTransferEnd,
  formatTransferStart,
} from './console/transfer.ts';
import type { Schedule } from './schedule.ts';

export interface ConsoleListener extends Listener {
  /** What was told stands above what is written next past the listener, and no live area in its way. */
  makeWay(): void;
}

export interface ConsoleListenerOptions {
  readonly write: (text: string) => void;
  /** A live area below the text; otherwise a log, one line per event. */
  readonly isTty: boolean;
  readonly columns: () => number;
  /** Lines of the terminal; 24 when it does not say. */
  readonly rows?: () => number;
  readonly colour: boolean;
  /** `false`: everything but the stages' own text is ASCII. */
  readonly unicode: boolean;
  /** Also what went as expected: fresh stages, gates that held, reasons. */
  readonly verbose?: boolean;
  /** Epoch ms. */
  readonly now: () => number;
  readonly schedule: Schedule;
  /** Gives the lines that problems quote; without it places are only named. */
  readonly readLine?: ReadLine;
}

type Finished = Extract<Event, { type: 'stage-finished' }>;

/** Longer names do not move the columns of all others. */
const MAX_NAME = 32;
const LAST_LINES = 20;
/** More stages than this that never started are told in one line. */
const MAX_UNSTARTED = 3;

/**
 * Tells a run to people: on a terminal a live area with what is running and a line per stage above it, elsewhere
 * one line per event. Fresh stages are only counted. At the end come the failed stages, each with the end of its
 * output, its problem and what it blocked, and one line that sums up.
 */
export function createConsoleListener(options: ConsoleListenerOptions): ConsoleListener {
  const { isTty, columns, rows = () => 24, verbose = false, readLine = () => undefined } = options;
  const style = createStyle(options);
  const retryAt = new Map<string, number>();
  const transfers = createTransfers();
  let state = emptyRun();
  let nameWidth = 0;
  let unstarted: Finished[] = [];

  const liveNameWidth = (): number => Math.min(nameWidth, Math.floor(columns() * NAME_SHARE));
  const area = (): readonly string[] => {
    const now = options.now();
    return formatLiveArea(
      { state, now, retryAt, transfers: transfers.running(now) },
      { style, columns: columns(), rows: rows(), nameWidth: liveNameWidth() },
    );
  };
  const screen = isTty ? createLiveScreen({ ...options, area }) : createPlainScreen(options);
  const output = createStageOutput({
    style,
    print: (text) => screen.print(text),
    prefix: (stage) =>
      isTty
        ? `  ${fitName(stage, liveNameWidth(), style.words('…'))} ${style.gutter}`
        : `${padColumns(stage, nameWidth)} |`,
  });
  const show = (row: Row): void => {
    const layout = isTty
      ? { nameWidth: liveNameWidth(), columns: columns() }
      : { nameWidth, columns: undefined };
    screen.print(formatRow(row, { style, ...layout }));
  };
  const tell = (symbol: SymbolName, text: string): void => {
    const mark = isTty ? `${style.paint(style.symbols[symbol], SYMBOL_COLOURS[symbol])} ` : '';
    screen.print(`${mark}${style.words(oneLine(text))}\n`);
  };

  const showUnstarted = (): void => {
    const [first] = unstarted;
    if (!first) return;
    if (unstarted.length <= MAX_UNSTARTED) for (const event of unstarted) show(finishedRow(event));
    else {
      const details = new Set(unstarted.map((event) => finishedRow(event).detail));
      show({
        ...finishedRow(first),
        name: `${unstarted.length} stages`,
        detail: details.size === 1 ? [...details].join('') : '',
      });
    }
    unstarted = [];
  };

  const finish = (event: Finished): void => {
    output.end(event.stage);
    retryAt.delete(event.stage);
    if (event.outcome !== 'failed') output.forget(event.stage);
    const waited =
      event.durationMs === undefined && (event.outcome === 'blocked' || event.outcome === 'canceled');
    if (waited) unstarted.push(event);
    else if (event.outcome !== 'fresh' || verbose) show(finishedRow(event));
  };

  const on = (event: Event): void => {
    const before = unstarted[0];
    if (before && !(event.type === 'stage-finished' && event.outcome === before.outcome)) showUnstarted();
    state = reduceRun(state, event);
    transfers.on(event);
    switch (event.type) {
      case 'run-started':
      case 'stage-progressed':
      case 'stage-committing':
      case 'transfer-progressed':
        return;
      case 'plan-made': {
        // Not `Math.max(...)`: there may be more stages than a call takes arguments.
        nameWidth = 0;
        for (const { stage, verdict } of event.stages)
          if (verbose || verdict !== 'skip')
            nameWidth = Math.min(MAX_NAME, Math.max(nameWidth, displayWidth(stage)));
        return;
      }
      case 'stage-output':
        return output.add(event.stage, event.stream, event.chunk);
      case 'stage-started':
        output.forget(event.stage);
        retryAt.delete(event.stage);
        if (!isTty || verbose) show(startedRow(event));
        return;
      case 'attempt-failed':
        output.end(event.stage);
        retryAt.set(event.stage, event.at + event.retryInMs);
        return show(retriedRow(event));
      case 'stage-finished':
        return finish(event);
      case 'gate-evaluated':
        if (!event.held || verbose) show(gateRow(event));
        return;
      case 'data-recorded':
        return tell('ran', `recorded ${event.path}`);
      case 'data-restored':
        return tell('ran', formatRestored(event));
      case 'attempt-recovered':
        return show(recoveredRow(event));
      case 'mutex-waited':
        return tell('info', formatMutexWait(event));
      case 'transfer-started':
        if (!isTty && event.objects > 0) tell('info', formatTransferStart(event));
        return;
      case 'transfer-finished':
        return tell(event.failed + event.missing > 0 ? 'failed' : 'ran', formatTransferEnd(event));
      case 'transfer-broken-off':
        return tell('failed', formatTransferBreak(event));
      case 'results-pulled':
        return tell('ran', formatPulled(event));
      case 'object-refused':
        return screen.print(formatError(event.problem, readLine, style));
      case 'warned':
        return screen.print(formatWarning(event.problem, readLine, style));
      case 'run-finished': {
        output.endAll();
        const failures = formatFailures(state, {
          style,
          readLine,
          lastLines: (stage) => output.last(stage, LAST_LINES),
        });
        screen.print(`${failures}${failures === '' ? '' : '\n'}${formatSummary(event, style)}`);
        return;
      }
      default:
        return event satisfies never;
    }
  };

  return {
    on(event) {
      on(event);
      // What a stage writes may wait a moment; what happened is told at once.
      if (event.type !== 'stage-output' && !event.type.endsWith('-progressed')) screen.flush();
    },
    makeWay() {
      showUnstarted();
      screen.makeWay();
    },
    close() {
      showUnstarted();
      output.endAll();
      screen.close();
    },
  };
}
