import { readSealed, writeSealed } from '../io/sealed.ts';
import { STRIDE, indexRows, slotsFor } from './memo-index.ts';
import type { Slots } from './memo-index.ts';

/** What a memo holds: numbers of each row, beside them its digest, and where each row is. */
export interface Rows {
  /** `STRIDE` numbers for each row; there may be room for more. */
  readonly rows: Float64Array;
  /** `HASH_BYTES` for each row. */
  readonly hashes: Buffer;
  readonly count: number;
  readonly slots: Slots;
}

/** Bytes of a digest; a shorter one leaves the rest unused. */
export const HASH_BYTES = 32;
const ROW_BYTES = STRIDE * 8;
const SLOT_BYTES = 4;
const HEAD_BYTES = 16;
const FORMAT = 3;

/** The rows of a memo's file; none when it is missing or damaged. */
export function loadRows(path: string): Rows {
  const data = readSealed(path);
  if (data === undefined || data.length < HEAD_BYTES || data.readUInt32LE(0) !== FORMAT) return noRows();
  const count = data.readUInt32LE(8);
  const slots = slotsFor(count);
  const [slotsAt, hashesAt] = [count * ROW_BYTES, count * ROW_BYTES + slots * SLOT_BYTES];
  const start = data.byteOffset + HEAD_BYTES;
  // Numbers need an aligned start; a small file's bytes may lie anywhere in a shared pool.
  const aligned =
    start % 8 === 0
      ? { buffer: data.buffer as ArrayBuffer, at: start }
      : { buffer: data.buffer.slice(start, start + hashesAt) as ArrayBuffer, at: 0 };
  return {
    rows: new Float64Array(aligned.buffer, aligned.at, count * STRIDE),
    slots: new Int32Array(aligned.buffer, aligned.at + slotsAt, slots),
    hashes: data.subarray(HEAD_BYTES + hashesAt),
    count,
  };
}

function noRows(): Rows {
  const rows = new Float64Array(0);
  return { rows, hashes: Buffer.alloc(0), count: 0, slots: indexRows(rows, 0) };
}

/** Writes the rows that are to be kept. */
export function saveRows(path: string, all: Rows, isUsed: (row: number) => boolean): void {
  const { rows, hashes, count, slots } = withoutUnused(all, isUsed);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(FORMAT, 0);
  head.writeUInt32LE(count, 8);
  const table = Buffer.from(rows.buffer, rows.byteOffset, count * ROW_BYTES);
  const index = Buffer.from(slots.buffer, slots.byteOffset, slots.byteLength);
  writeSealed(path, head, table, index, hashes.subarray(0, count * HASH_BYTES));
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
  return { rows, hashes, count: used.length, slots: indexRows(rows, used.length) };
}
