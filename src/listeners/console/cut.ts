import { displayWidth, lastColumns, padColumns, firstColumns } from '../../base/display-width.ts';
import { RESET, hasColour, splitColours } from './escapes.ts';

/** Columns a text takes; colours take none. */
export function widthOf(text: string): number {
  if (!hasColour(text)) return displayWidth(text);
  return splitColours(text).reduce((sum, piece) => sum + (piece.colour ? 0 : displayWidth(piece.text)), 0);
}

/** The text cut to at most so many columns, ending in `mark` where it was cut; no colour leaks out of it. */
export function cutEnd(text: string, columns: number, mark: string): string {
  if (widthOf(text) <= columns) return text;
  const room = columns - displayWidth(mark);
  if (room < 0) return '';
  let kept = '';
  let used = 0;
  for (const piece of splitColours(text)) {
    if (piece.colour) kept += piece.text;
    else {
      const part = firstColumns(piece.text, room - used);
      kept += part;
      if (part !== piece.text) return `${kept}${mark}${hasColour(kept) ? RESET : ''}`;
      used += displayWidth(part);
    }
  }
  return kept;
}

/** Fewer columns of a text than this tell nothing. */
const MIN_COLUMNS = 8;

/** `line` and two blanks and as much of `more` as fits into so many columns; only `line` when that is too little. */
export function addIfRoom(
  line: string,
  more: string,
  { columns, mark }: { columns: number; mark: string },
): string {
  if (more === '') return line;
  const room = columns - widthOf(line) - 2;
  return room < Math.min(MIN_COLUMNS, widthOf(more)) ? line : `${line}  ${cutEnd(more, room, mark)}`;
}

/** A plain text of exactly so many columns: filled with blanks, or cut in its middle, since names differ at both ends. */
export function fitName(name: string, columns: number, mark: string): string {
  const width = displayWidth(name);
  if (width <= columns) return name + ' '.repeat(columns - width);
  const room = columns - displayWidth(mark);
  if (room < 2) return fitName(cutEnd(name, columns, ''), columns, '');
  const head = firstColumns(name, Math.ceil(room / 2));
  const tail = lastColumns(name, room - displayWidth(head));
  return padColumns(head + mark + tail, columns);
}
