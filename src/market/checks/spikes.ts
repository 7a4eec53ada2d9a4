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
 * The two rows that tell whether a row is a spike, ascending: the two before it, so that no later day changes the answer. Where fewer
 * than two of them can be compared with, at the beginning and behind a split, the nearest after it stand in.
 */
export function tellingRows(
  row: number,
  count: number,
  isComparable: (other: number) => boolean = () => true,
): readonly number[] {
  return [row - 1, row - 2, row + 1, row + 2]
    .filter((other) => 0 <= other && other < count && isComparable(other))
    .slice(0, 2)
    .sort((a, b) => a - b);
}
