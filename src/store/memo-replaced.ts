import { HASH_BYTES } from './memo-file.ts';

/** Rows of objects, some of which have come in the place of others. */
export interface Replacing {
  /** `HASH_BYTES` for each row. */
  readonly hashes: Buffer;
  readonly count: number;
  /** Whether a row is of an object that came now; only rows of one kind of hash have equal digests. */
  readonly isNew: (row: number) => boolean;
  /** Whether it is of one that was there before. */
  readonly isOld: (row: number) => boolean;
}

/**
 * Finds the rows of objects whose bytes have come anew: a cache has one file of each content, so theirs are gone. A byte per
 * row, 1 for those.
 */
export function findReplaced({ hashes, count, isNew, isOld }: Replacing): Uint8Array {
  const replaced = new Uint8Array(count);
  // Open addressing by the first bytes of the digest: texts of 100,000 hashes would cost more than all else here.
  const table = new Int32Array(2 ** Math.ceil(Math.log2(count * 2 + 2))).fill(-1);
  const slotOf = (row: number): number => {
    let slot = hashes.readUInt32LE(row * HASH_BYTES) & (table.length - 1);
    for (;;) {
      const other = table[slot] ?? -1;
      if (other < 0 || isEqual(hashes, row, other)) return slot;
      slot = (slot + 1) & (table.length - 1);
    }
  };
  for (let row = 0; row < count; row++) if (isNew(row)) table[slotOf(row)] = row;
  for (let row = 0; row < count; row++) if (isOld(row) && (table[slotOf(row)] ?? -1) >= 0) replaced[row] = 1;
  return replaced;
}

function isEqual(hashes: Buffer, row: number, other: number): boolean {
  const [at, to] = [row * HASH_BYTES, other * HASH_BYTES];
  return hashes.compare(hashes, to, to + HASH_BYTES, at, at + HASH_BYTES) === 0;
}
