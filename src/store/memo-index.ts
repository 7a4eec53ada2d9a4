/** Numbers of a memo's row. */
export const STRIDE = 9;
/** The two of them by which a row is found: device and inode. */
export const DEV = 0;
export const INO = 1;
export const NO_ROW = -1;
const LEAST_SLOTS = 256;

/** For each row there are two slots at least; one holds the row's number or `NO_ROW`. */
export type Slots = Int32Array<ArrayBuffer>;

/** So many slots for rows: a power of two, half of them free. */
export function slotsFor(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(LEAST_SLOTS, count * 2)));
}

/**
 * Open addressing over the rows, because a map of 100,000 numbers costs the garbage collector more than the file's reading. It is
 * kept with them: to make it anew takes as long as a tenth of the look at their files.
 */
export function indexRows(rows: Float64Array, count: number, size: number = slotsFor(count)): Slots {
  const slots = new Int32Array(size).fill(NO_ROW);
  for (let row = 0; row < count; row++)
    slots[slotOf(slots, rows, { dev: rows[row * STRIDE + DEV] ?? 0, ino: rows[row * STRIDE + INO] ?? 0 })] =
      row;
  return slots;
}

/** Where the row of an inode is, or would be. */
export function slotOf(
  slots: Slots,
  rows: Float64Array,
  { dev, ino }: { readonly dev: number; readonly ino: number },
): number {
  const mask = slots.length - 1;
  // Fibonacci hashing: the upper bits are the well mixed ones, and inodes come in runs.
  let slot = Math.imul(ino | 0, 0x9e3779b1) >>> Math.clz32(mask);
  for (;;) {
    const row = slots[slot] ?? NO_ROW;
    if (row === NO_ROW || (rows[row * STRIDE + INO] === ino && rows[row * STRIDE + DEV] === dev)) return slot;
    slot = (slot + 1) & mask;
  }
}
