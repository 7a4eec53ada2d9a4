const ESC = '\u001b';
/** Colours and the like: the one kind of sequence that moves nothing. */
const SGR = `${ESC}\\[[\\d;:]*m`;
/** Other sequences: CSI, OSC and friends up to their end, and two-character ones. Source: ECMA-48. */
const OTHER = `${ESC}\\[[0-?]*[ -/]*[@-~]|${ESC}[\\]PX^_][^\\u0007${ESC}]*(?:\\u0007|${ESC}\\\\)?|${ESC}[ -/]*[0-~]?`;
/** All of \p{Cc} but tab and line feed: all output is searched for them, and this finds them fastest. */
const CONTROLS = '[\\0-\\x1f\\x7f-\\x9f](?<![\\t\\n])';
const ANY_SGR = new RegExp(SGR, 'g');
const ALL = new RegExp(`(${SGR})|${OTHER}|${CONTROLS}`, 'gu');
const CONTROL = new RegExp(CONTROLS);

/** What a terminal may be shown of a text: no sequence or character that moves, erases or renames anything. */
export function cleanText(text: string, keepColours: boolean): string {
  if (!CONTROL.test(text)) return text;
  return text.replace(ALL, (_, sgr: string | undefined) => (keepColours && sgr !== undefined ? sgr : ''));
}

/** True when a text sets colours. */
export function hasColour(text: string): boolean {
  return text.includes(`${ESC}[`);
}

/** A text in pieces: colour sequences (which take no columns) and the text between them. */
export function splitColours(text: string): readonly { readonly text: string; readonly colour: boolean }[] {
  const pieces: { text: string; colour: boolean }[] = [];
  let start = 0;
  for (const match of text.matchAll(ANY_SGR)) {
    if (match.index > start) pieces.push({ text: text.slice(start, match.index), colour: false });
    pieces.push({ text: match[0], colour: true });
    start = match.index + match[0].length;
  }
  if (start < text.length) pieces.push({ text: text.slice(start), colour: false });
  return pieces;
}

export const RESET: string = `${ESC}[0m`;
