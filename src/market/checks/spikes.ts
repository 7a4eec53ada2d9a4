/** No price of a session is so many times the one before it: exchanges halt trade long before. */
export const MOST_FACTOR = 20;

/** Whether a price is more than 20 times above each of these closes, or below each; of one, nothing tells which is wrong. */
export function isSpike(price: number, closes: readonly number[]): boolean {
  if (closes.length < 2) return false;
  return (
    closes.every((close) => price > MOST_FACTOR * close) ||
    closes.every((close) => price < close / MOST_FACTOR)
  );
}

/**
 * The two rows that tell whether a row is a spike: those beside it, and at an end the two nearest, so that a spike does not
 * count against the end beside it. None in a series of fewer than three rows, where nothing tells which one is wrong.
 */
export function nearestRows(row: number, count: number): readonly number[] {
  if (count < 3) return [];
  if (row === 0) return [1, 2];
  return row === count - 1 ? [row - 2, row - 1] : [row - 1, row + 1];
}
