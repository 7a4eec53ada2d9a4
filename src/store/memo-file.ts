import { readSealed, writeSealed } from '../io/sealed.ts';

/** What a memo holds: numbers of each row, and beside them its digest. */
export interface Rows {
  /** `STRIDE` numbers for each row; there may be room for more. */
  readonly rows: Float64Array;
  /** `HASH_BYTES` for each row. */
  readonly hashes: Buffer;
  readonly count: number;
}

/** Numbers of a row. */
export const STRIDE = 9;
/** Bytes of a digest; a shorter one leaves the rest unused. */
export const HASH_BYTES = 32;
const ROW_BYTES = STRIDE * 8;
const HEAD_BYTES = 16;
const FORMAT = 2;

/** The rows of a memo's file; none when it is missing or damaged. */
export function loadRows(path: string): Rows {
  const empty = { rows: new Float64Array(0), hashes: Buffer.alloc(0), count: 0 };
  const data = readSealed(path);
  if (data === undefined || data.length < HEAD_BYTES || data.readUInt32LE(0) !== FORMAT) return empty;
  const count = data.readUInt32LE(8);
  const tableEnd = HEAD_BYTES + count * ROW_BYTES;
  if (data.length !== tableEnd + count * HASH_BYTES) return empty;
  const start = data.byteOffset + HEAD_BYTES;
  // A Float64Array needs an aligned start; a small file's bytes may lie anywhere in a shared pool.
  const rows =
    start % 8 === 0
      ? new Float64Array(data.buffer, start, count * STRIDE)
      : new Float64Array(data.buffer.slice(start, data.byteOffset + tableEnd));
  return { rows, hashes: data.subarray(tableEnd), count };
}

/** Writes the rows that are to be kept. */
export function saveRows(path: string, all: Rows, isUsed: (row: number) => boolean): void {
  const { rows, hashes, count } = withoutUnused(all, isUsed);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(FORMAT, 0);
  head.writeUInt32LE(count, 8);
  const table = Buffer.from(rows.buffer, rows.byteOffset, count * ROW_BYTES);
  writeSealed(path, head, table, hashes.subarray(0, count * HASH_BYTES));
}

function withoutUnused(all: Rows, isUsed: (row: number) => boolean): Rows {
  const used: number[] = [];
  for (let row = 0; row < all.count; row++) if (isUsed(row)) used.push(row);
  if (used.length === all.count) return all;
  const rows = new Float64Array(used.length * STRIDE);
  const hashes = Buffer.alloc(used.length * HASH_BYTES);
  for (const [to, row] of used.entries()) {
    rows.set(all.rows.subarray(row * STRIDE, (row + 1) * STRIDE), to * STRIDE);
    all.hashes.copy(hashes, to * HASH_BYTES, row * HASH_BYTES, (row + 1) * HASH_BYTES);
  }
  return { rows, hashes, count: used.length };
}
