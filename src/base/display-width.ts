/** Ranges of East Asian Wide and Fullwidth characters and of emoji, as far as terminals agree on two columns. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1f9ff],
  [0x1fa70, 0x1faff],
  [0x20000, 0x3fffd],
];

/** The text filled with blanks up to so many columns of a terminal: what stands right of it stands below one another. */
export function padColumns(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - displayWidth(text)));
}

/** The start of a text, in whole characters, that takes at most so many columns. */
export function firstColumns(text: string, columns: number): string {
  let end = 0;
  let width = 0;
  for (const char of text) {
    width += displayWidth(char);
    if (width > columns) break;
    end += char.length;
  }
  return text.slice(0, end);
}

/** The same of its end. */
export function lastColumns(text: string, columns: number): string {
  // A column takes few code units: of a line of megabytes only these are looked at.
  const chars = Array.from(text.slice(-4 * columns).replace(/^[\udc00-\udfff]/, ''));
  let from = chars.length;
  for (let width = 0; from > 0; from--) {
    width += displayWidth(chars[from - 1] ?? '');
    if (width > columns) break;
  }
  return chars.slice(from).join('');
}

/**
 * Columns a text takes in a terminal: 2 for wide characters and emoji, 0 for combining marks and for characters
 * that only format, else 1. Source: Unicode Standard Annex #11, East Asian Width.
 */
export function displayWidth(text: string): number {
  // Nearly all texts, and a plan may have 100,000 of them.
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    if (code < 0x300) width++;
    else if (!/\p{Mn}|\p{Me}|\p{Cf}/u.test(char)) {
      width += WIDE.some(([from, to]) => code >= from && code <= to) ? 2 : 1;
    }
  }
  return width;
}
