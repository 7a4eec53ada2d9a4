/** JSON text with two blanks of indent, keys in the order given and a final line feed. */
export function formatJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** A fraction, rate or score rounded to six decimals, as all reports print it. */
export function roundFraction(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
