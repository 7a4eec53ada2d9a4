import type { Schedule } from '../schedule.ts';
import { widthOf } from './cut.ts';

/** Where text goes: above a live area where there is one. Every text ends in a line feed. */
export interface Screen {
  print(text: string): void;
  /** Writes what is held back: at once in a log, with the next frame where there is a live area. */
  flush(): void;
  /** Writes what is held back at once and takes the live area away until the next frame: someone else is to write. */
  makeWay(): void;
  /** Writes what is held back and leaves no live area behind. */
  close(): void;
}

/** Ten frames a second look alive and cost nothing. */
const FRAME_MS = 100;
/** More text than this is not held until the next frame, in characters. */
const MAX_HELD = 256 * 1024;

export interface ScreenOptions {
  readonly write: (text: string) => void;
  readonly schedule: Schedule;
}

/** A log: text in the order it came, gathered for at most 100 ms so that many small lines are few writes. */
export function createPlainScreen({ write, schedule }: ScreenOptions): Screen {
  let held = '';
  let cancel: (() => void) | undefined;
  const flush = (): void => {
    cancel?.();
    cancel = undefined;
    const text = held;
    held = '';
    if (text !== '') write(text);
  };
  return {
    print(text) {
      held += text;
      if (held.length > MAX_HELD) flush();
      else cancel ??= schedule(FRAME_MS, flush);
    },
    flush,
    makeWay: flush,
    close: flush,
  };
}

export interface LiveScreenOptions extends ScreenOptions {
  readonly columns: () => number;
  /** The lines of the live area, each narrower than the terminal; none = no area. */
  readonly area: () => readonly string[];
}

/**
 * A terminal with a live area below the text, drawn at most ten times a second and one write each. The area is
 * overwritten in place; text goes where it stood, and the area again below.
 */
export function createLiveScreen({ write, schedule, columns, area }: LiveScreenOptions): Screen {
  let held = '';
  let drawn: readonly string[] = [];
  let drawnColumns = 0;
  let cancel: (() => void) | undefined;
  const draw = (lines: readonly string[]): void => {
    const width = columns();
    const text = held;
    held = '';
    if (text === '' && width === drawnColumns && lines.join('\n') === drawn.join('\n')) return;
    const home = toTop(drawn, width);
    const shorter = lines.length < drawn.length || width !== drawnColumns;
    const erase = drawn.length > 0 && (text !== '' || shorter) ? '\u001b[J' : '';
    drawn = lines;
    drawnColumns = width;
    const body = lines.map((line) => `${line}\u001b[K`).join('\n');
    if (home + erase + text + body !== '') write(home + erase + text + body);
  };
  const frame = (): void => {
    cancel = undefined;
    const lines = area();
    draw(lines);
    if (lines.length > 0) cancel = schedule(FRAME_MS, frame);
  };
  return {
    print(text) {
      held += text;
      if (held.length > MAX_HELD) draw(area());
      cancel ??= schedule(FRAME_MS, frame);
    },
    flush: () => void (cancel ??= schedule(FRAME_MS, frame)),
    makeWay: () => draw([]),
    close() {
      cancel?.();
      cancel = undefined;
      draw([]);
    },
  };
}

/** To the first column of the first line of what was drawn, which a terminal made narrower since has folded. */
function toTop(drawn: readonly string[], columns: number): string {
  if (drawn.length === 0) return '';
  const rows = drawn.reduce(
    (sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / Math.max(1, columns))),
    0,
  );
  return rows > 1 ? `\r\u001b[${rows - 1}A` : '\r';
}
