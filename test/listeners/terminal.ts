import assert from 'node:assert/strict';
import { displayWidth } from '../../src/base/display-width.ts';

export interface Terminal {
  readonly write: (text: string) => void;
  /** What a person sees and can scroll back to, without colours and trailing blanks. */
  readonly lines: () => readonly string[];
  /** Lines that went below the right edge, as they were. */
  readonly folded: () => number;
}

const ESC = '\u001b';
/** One sequence or one character. */
const PIECES = new RegExp(`${ESC}\\[([\\d;]*)([A-Za-z])|[^]`, 'gu');

/** The few things a terminal does that the live area relies on (ECMA-48: CR, LF, CUU, ED 0, EL 0, SGR). */
export function createTerminal(columns: number): Terminal {
  let lines: string[][] = [[]];
  let [x, y, folded] = [0, 0, 0];
  const put = (char: string): void => {
    const width = displayWidth(char);
    if (x + width > columns) {
      folded++;
      y++;
      x = 0;
    }
    const line = (lines[y] ??= []);
    while (line.length < x) line.push(' ');
    line[x] = char;
    for (let i = 1; i < width; i++) line[x + i] = '';
    x += width;
  };
  return {
    write(text) {
      for (const [piece, count, verb] of text.matchAll(PIECES)) {
        if (piece === '\r') x = 0;
        else if (piece === '\n') {
          y++;
          x = 0;
          lines[y] ??= [];
        } else if (verb === undefined) {
          assert.doesNotMatch(piece, /\p{Cc}/u, 'a control character reached the terminal');
          put(piece);
        } else if (verb === 'A') {
          y -= Number(count);
          assert.ok(y >= 0, 'the cursor went above the first line');
        } else if (verb === 'K') lines[y]?.splice(x);
        else if (verb === 'J') {
          lines[y]?.splice(x);
          lines = lines.slice(0, y + 1);
        } else assert.equal(verb, 'm', `the terminal was told to ${verb}`);
      }
    },
    lines: () => lines.map((line) => line.join('').trimEnd()),
    folded: () => folded,
  };
}
