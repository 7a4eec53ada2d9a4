import type { Event } from '../../base/event.ts';
import { formatDuration } from '../../base/text.ts';
import { addIfRoom, cutEnd, fitName } from './cut.ts';
import { formatSentence, formatOuts, formatReasons } from './details.ts';
import { OUTCOME_COLOURS } from './style.ts';
import type { Colour, Style } from './style.ts';

/** What is told of one event, before it is laid out: `name  verb  detail`. */
export interface Row {
  readonly symbol: keyof Style['symbols'];
  readonly colour: Colour;
  readonly name: string;
  readonly verb: string;
  readonly detail: string;
}

type Finished = Extract<Event, { type: 'stage-finished' }>;

/** The row of a stage that ended. */
export function finishedRow(event: Finished): Row {
  const { outcome, durationMs } = event;
  const row = { symbol: outcome, colour: OUTCOME_COLOURS[outcome], name: event.stage };
  const time = durationMs === undefined ? '' : formatDuration(durationMs);
  switch (outcome) {
    case 'ran':
      return { ...row, verb: time === '' ? 'ran' : `ran in ${time}`, detail: formatOuts(event.outs) };
    case 'restored':
      return { ...row, verb: 'restored', detail: formatOuts(event.outs) };
    case 'fresh':
      return { ...row, verb: 'fresh', detail: '' };
    case 'failed':
      return {
        ...row,
        verb: time === '' ? 'failed' : `failed after ${time}`,
        detail: formatFailure(event),
      };
    case 'blocked':
      return { ...row, verb: 'blocked', detail: formatReasons(event.reasons) };
    case 'canceled':
      return { ...row, verb: time === '' ? 'canceled' : `canceled after ${time}`, detail: '' };
    default:
      return outcome satisfies never;
  }
}

/** The problem without what the row says already; broken gates have had rows of their own. */
function formatFailure({ stage, problem }: Finished): string {
  if (!problem) return '';
  return problem.code === 'gate.failed' ? 'its gates do not hold' : formatSentence(problem, stage);
}

/** How rows stand below one another. */
export interface RowLayout {
  readonly style: Style;
  /** Columns of the longest name. */
  readonly nameWidth: number;
  /** On a terminal rows have symbols and never wrap; `undefined` in a log. */
  readonly columns: number | undefined;
}

/** The longest verb that is usual, so that details stand below one another: `ran in 12m 05s`. */
const VERB_WIDTH = 14;
/** Where columns are few, details stand where they can. */
const NARROW = 64;

/** A row as a line with its end. */
export function formatRow(row: Row, { style, nameWidth, columns }: RowLayout): string {
  const { paint } = style;
  const verb = paint(style.words(row.verb), row.colour);
  const detail = style.words(row.detail);
  if (columns === undefined) {
    const parts = [row.name.padEnd(nameWidth), verb, detail].filter((part) => part !== '');
    return `${parts.join('  ')}\n`;
  }
  const name = nameWidth === 0 ? '' : `${fitName(row.name, nameWidth, style.words('…'))}  `;
  const shown = detail.startsWith('(') ? paint(detail.slice(1, -1), 'dim') : detail;
  const padding =
    detail === '' || columns < NARROW ? '' : ' '.repeat(Math.max(0, VERB_WIDTH - row.verb.length));
  const line = `${paint(style.symbols[row.symbol], row.colour)} ${name}${verb}${padding}`;
  const mark = style.words('…');
  return `${addIfRoom(cutEnd(line, columns - 1, mark), shown, { columns: columns - 1, mark })}\n`;
}
