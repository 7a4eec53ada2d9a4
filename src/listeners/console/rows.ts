import { displayWidth, padColumns } from '../../base/display-width.ts';
import { oneLine } from '../../base/text.ts';
import { addIfRoom, cutEnd, fitName } from './cut.ts';
import { SYMBOL_COLOURS } from './style.ts';
import type { Style, SymbolName } from './style.ts';

/** What is told of one event, before it is laid out: `name  verb  detail`. */
export interface Row {
  readonly symbol: SymbolName;
  readonly name: string;
  readonly verb: string;
  readonly detail: string;
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
/** What of a line a name may take. */
export const NAME_SHARE = 0.4;
/** Where columns are few, details stand where they can. */
const NARROW = 64;

/** A row as a line with its end. */
export function formatRow(row: Row, { style, nameWidth, columns }: RowLayout): string {
  const { paint } = style;
  const colour = SYMBOL_COLOURS[row.symbol];
  const verb = paint(style.words(row.verb), colour);
  const detail = style.words(oneLine(row.detail));
  if (columns === undefined) {
    const parts = [padColumns(row.name, nameWidth), verb, detail].filter((part) => part !== '');
    return `${parts.join('  ')}\n`;
  }
  const mark = style.words('…');
  const width = Math.max(nameWidth, Math.min(displayWidth(row.name), Math.floor(columns * NAME_SHARE)));
  const name = fitName(row.name, width, mark);
  const shown = detail.startsWith('(') ? paint(detail.slice(1, -1), 'dim') : detail;
  const padding =
    detail === '' || columns < NARROW ? '' : ' '.repeat(Math.max(0, VERB_WIDTH - row.verb.length));
  const line = `${paint(style.symbols[row.symbol], colour)} ${name}  ${verb}${padding}`;
  return `${addIfRoom(cutEnd(line, columns - 1, mark), shown, { columns: columns - 1, mark })}\n`;
}
