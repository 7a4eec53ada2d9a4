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
const FORMAT = 1;

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
export function saveRows(
  path: string,
  { rows, hashes, count }: Rows,
  isUsed: (row: number) => boolean,
): void {
  let kept = 0;
  for (let row = 0; row < count; row++) if (isUsed(row)) kept++;
  const data = Buffer.alloc(HEAD_BYTES + kept * (ROW_BYTES + HASH_BYTES));
  data.writeUInt32LE(FORMAT, 0);
  data.writeUInt32LE(kept, 8);
  const bytes = Buffer.from(rows.buffer, rows.byteOffset, count * ROW_BYTES);
  let table = HEAD_BYTES;
  let digests = HEAD_BYTES + kept * ROW_BYTES;
  // Runs of rows are copied at once; mostly all of them are in use.
  for (let from = 0, to = 0; from < count; from = to + 1) {
    for (to = from; to < count && isUsed(to); to++);
    table += bytes.copy(data, table, from * ROW_BYTES, to * ROW_BYTES);
    digests += hashes.copy(data, digests, from * HASH_BYTES, to * HASH_BYTES);
  }
  writeSealed(path, data);
}
