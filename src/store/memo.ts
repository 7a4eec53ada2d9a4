import type { Stats } from 'node:fs';
import { algorithmOf, digestOf } from '../base/hash.ts';
import type { ContentHash, HashAlgorithm } from '../base/types.ts';
import { readSealed, writeSealed } from '../io/sealed.ts';

/**
 * What a file's bytes hashed to when its stat looked like this: so that an unchanged file costs one stat.
 * Rows are keyed by (device, inode): hardlinked twins share a row.
 */
export interface Memo {
  /** The hash of a file that looks as it did; `undefined` when it must be hashed (or was by another algorithm). */
  lookup(stat: Stats, algorithm: HashAlgorithm): ContentHash | undefined;
  /** `object` marks the inode of a verified cache object. `seenAt` is when its hashing began (epoch ms). */
  remember(stat: Stats, hash: ContentHash, options: { seenAt: number; object: boolean }): void;
  /** True when this inode is known as a verified object of this very hash and still looks untouched. */
  isVerifiedObject(stat: Stats, hash: ContentHash): boolean;
  /** True when size and times are those with which these very bytes were hashed; says nothing of the last few ms. */
  isAsHashed(stat: Stats, hash: ContentHash): boolean;
  save(): void;
}

/** Fields of a row, as one stride of a Float64Array. */
const DEV = 0;
const INO = 1;
const SIZE = 2;
const MTIME = 3;
const CTIME = 4;
const MODE = 5;
const SEEN = 6;
const USED = 7;
const FLAGS = 8;
const STRIDE = 9;
const HASH_BYTES = 32;

const FLAG_OBJECT = 1;
const FLAG_MD5 = 2;

/**
 * A file changed within this time before it was hashed may change again without its times moving (kernels stamp in
 * ticks of up to 10 ms), so such a row is not believed.
 */
const GRANULARITY_MS = 20;
const OBJECT_MODE = 0o444;
const KEEP_DAYS = 30;
const DAY_MS = 86_400_000;
const FORMAT = 1;

/** Opens the memo; a missing or damaged file is an empty memo. `nowMs` dates the use of rows. */
export function createMemo(path: string, nowMs: number): Memo {
  const today = Math.floor(nowMs / DAY_MS);
  let { rows, hashes, count } = load(path);
  let dirty = false;
  const index = new Map<number, Map<number, number>>();
  for (let row = 0; row < count; row++)
    inodes(rows[row * STRIDE + DEV] ?? 0).set(rows[row * STRIDE + INO] ?? 0, row);

  function inodes(dev: number): Map<number, number> {
    let map = index.get(dev);
    if (!map) index.set(dev, (map = new Map()));
    return map;
  }

  function hashAt(row: number): ContentHash {
    const md5 = ((rows[row * STRIDE + FLAGS] ?? 0) & FLAG_MD5) !== 0;
    const digest = hashes.toString('hex', row * HASH_BYTES, row * HASH_BYTES + (md5 ? 16 : HASH_BYTES));
    return md5 ? `md5:${digest}` : `sha256:${digest}`;
  }

  /** The row's offset when the file looks as it did. */
  function match(stat: Stats): number | undefined {
    const row = index.get(stat.dev)?.get(stat.ino);
    if (row === undefined) return undefined;
    const at = row * STRIDE;
    if (rows[at + SIZE] !== stat.size || rows[at + MTIME] !== stat.mtimeMs || rows[at + MODE] !== stat.mode)
      return undefined;
    const flags = rows[at + FLAGS] ?? 0;
    if ((flags & FLAG_OBJECT) !== 0 && (stat.mode & 0o777) === OBJECT_MODE) return row;
    if (rows[at + CTIME] !== stat.ctimeMs) return undefined;
    return Math.max(stat.mtimeMs, stat.ctimeMs) + GRANULARITY_MS < (rows[at + SEEN] ?? 0) ? row : undefined;
  }

  function reserve(): number {
    if ((count + 1) * STRIDE > rows.length) {
      const capacity = Math.max(256, count * 2);
      const moreRows = new Float64Array(capacity * STRIDE);
      moreRows.set(rows.subarray(0, count * STRIDE));
      const moreHashes = Buffer.alloc(capacity * HASH_BYTES);
      hashes.copy(moreHashes, 0, 0, count * HASH_BYTES);
      rows = moreRows;
      hashes = moreHashes;
    }
    return count++;
  }

  return {
    lookup(stat, algorithm) {
      const row = match(stat);
      if (row === undefined) return undefined;
      rows[row * STRIDE + USED] = today;
      const hash = hashAt(row);
      return algorithmOf(hash) === algorithm ? hash : undefined;
    },
    isVerifiedObject(stat, hash) {
      const row = match(stat);
      return (
        row !== undefined && ((rows[row * STRIDE + FLAGS] ?? 0) & FLAG_OBJECT) !== 0 && hashAt(row) === hash
      );
    },
    isAsHashed(stat, hash) {
      const row = index.get(stat.dev)?.get(stat.ino);
      if (row === undefined) return false;
      const at = row * STRIDE;
      return rows[at + SIZE] === stat.size && rows[at + MTIME] === stat.mtimeMs && hashAt(row) === hash;
    },
    remember(stat, hash, { seenAt, object }) {
      let row = index.get(stat.dev)?.get(stat.ino);
      if (row === undefined) {
        row = reserve();
        inodes(stat.dev).set(stat.ino, row);
      }
      const flags = (object ? FLAG_OBJECT : 0) | (algorithmOf(hash) === 'md5' ? FLAG_MD5 : 0);
      rows.set(
        [stat.dev, stat.ino, stat.size, stat.mtimeMs, stat.ctimeMs, stat.mode, seenAt, today, flags],
        row * STRIDE,
      );
      hashes.fill(0, row * HASH_BYTES, (row + 1) * HASH_BYTES);
      hashes.write(digestOf(hash), row * HASH_BYTES, 'hex');
      dirty = true;
    },
    save() {
      if (!dirty) return;
      const kept: number[] = [];
      for (let row = 0; row < count; row++)
        if ((rows[row * STRIDE + USED] ?? 0) >= today - KEEP_DAYS) kept.push(row);
      const head = Buffer.alloc(16);
      head.writeUInt32LE(FORMAT, 0);
      head.writeUInt32LE(kept.length, 8);
      const table = Buffer.alloc(kept.length * STRIDE * 8);
      const digests = Buffer.alloc(kept.length * HASH_BYTES);
      const bytes = Buffer.from(rows.buffer, rows.byteOffset, count * STRIDE * 8);
      for (const [to, row] of kept.entries()) {
        bytes.copy(table, to * STRIDE * 8, row * STRIDE * 8, (row + 1) * STRIDE * 8);
        hashes.copy(digests, to * HASH_BYTES, row * HASH_BYTES, (row + 1) * HASH_BYTES);
      }
      writeSealed(path, Buffer.concat([head, table, digests]));
      dirty = false;
    },
  };
}

function load(path: string): { rows: Float64Array; hashes: Buffer; count: number } {
  const empty = { rows: new Float64Array(0), hashes: Buffer.alloc(0), count: 0 };
  const data = readSealed(path);
  if (data === undefined || data.length < 16 || data.readUInt32LE(0) !== FORMAT) return empty;
  const count = data.readUInt32LE(8);
  const tableEnd = 16 + count * STRIDE * 8;
  if (data.length !== tableEnd + count * HASH_BYTES) return empty;
  // A copy, because a Float64Array needs an aligned start.
  const rows = new Float64Array(data.buffer.slice(data.byteOffset + 16, data.byteOffset + tableEnd));
  return { rows, hashes: data.subarray(tableEnd), count };
}
