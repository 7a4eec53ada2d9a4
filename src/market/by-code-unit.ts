/** Orders texts by UTF-16 code unit: ISO dates by time, symbols the same on every machine, whatever its language. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
