/**
 * Works through items, at most `width` at a time and in their order. The first failure stops the taking of new items
 * and is thrown once those under way have ended. Between two items others get their turn: a Ctrl-C, a live display.
 */
export async function runPool<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const item = items[next++] as T;
      try {
        await work(item);
        // Work on local files may be all synchronous, and thousands of them would keep everything else waiting.
        await new Promise((resolve) => setImmediate(resolve));
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
}
