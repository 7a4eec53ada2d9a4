import { algorithmOf, digestOf, hashBytes } from '../base/hash.ts';
import type { ContentHash, HashAlgorithm } from '../base/types.ts';
import { OBJECT_MODE } from '../io/modes.ts';
import type { FileLook } from '../io/hash-file.ts';
import { keepsInodeNumbers } from '../io/inode-numbers.ts';
import { wasQuiet } from '../io/quiet.ts';
import { HASH_BYTES, loadRows, saveRows } from './memo-file.ts';
import { DEV, INO, NO_ROW, STRIDE, indexRows, slotOf, slotsFor } from './memo-index.ts';

/** An absolute path, which is put together only where it is needed. */
type PathOf = () => string;

/**
 * What a file's bytes hashed to when its stat looked like this: so that an unchanged file costs one stat.
 * Rows are keyed by (device, inode): hardlinked twins share a row. Where inodes do not tell files apart the
 * path is part of the key, and a file is read again under each of its names.
 */
export interface Memo {
  /** The hash of a file that looks as it did; `undefined` when it must be hashed (or was by another algorithm). */
  lookup(pathOf: PathOf, stat: FileLook, algorithm: HashAlgorithm): ContentHash | undefined;
  /** As `lookup`, without making a text: the row of such a file, -1 for one that must be hashed; good until `remember` is called. */
  find(pathOf: PathOf, stat: FileLook, algorithm: HashAlgorithm): number;
  hashOf(row: number): ContentHash;
  /** Writes a row's digest as lower-case hex digits. */
  writeDigest(row: number, target: Uint8Array, at: number): void;
  /** True for a row of a verified cache object. */
  isObject(row: number): boolean;
  /** `object` marks the inode of a verified cache object. `seenAt` is when its hashing began (epoch ms). */
  remember(
    pathOf: PathOf,
    look: FileLook,
    hash: ContentHash,
    options: { seenAt: number; object: boolean },
  ): void;
  /** True when this inode is known as a verified object of this very hash and still looks untouched. */
  isVerifiedObject(pathOf: PathOf, stat: FileLook, hash: ContentHash): boolean;
  /** True when size and times are those with which these very bytes were hashed; says nothing of the last few ms. */
  isAsHashed(pathOf: PathOf, stat: FileLook, hash: ContentHash): boolean;
  /** Of a file that is gone for good, by whatever name. */
  forget(pathOf: PathOf, look: Inode): void;
  /** Notes that all files of the project are being looked at: what nobody asks for by then is probably gone. */
  lookAtAll(): void;
  save(): void;
}

/** Fields of a row, as one stride of a Float64Array, beside its key. */
const SIZE = 2;
const MTIME = 3;
const CTIME = 4;
const MODE = 5;
const SEEN = 6;
const USED = 7;
const FLAGS = 8;
/** The digits' character codes. */
const HEX = Buffer.from('0123456789abcdef');

const FLAG_OBJECT = 1;
const FLAG_MD5 = 2;

const KEEP_MS = 30 * 86_400_000;
/**
 * So many rows of files that a look at all did not meet are kept, or twice as many as it met: of another branch, say. Rows
 * of files that were made anew stay behind, as many with each time, where a file system never uses an inode again.
 */
const SPARE_ROWS = 10_000;

/** So many hex digits of a hash fit into a number. */
const NUMBER_DIGITS = 13;

type Inode = Pick<FileLook, 'dev' | 'ino'>;

/**
 * By what a file is known: its inode, or its path as well where the file system does not keep inode numbers, and where a number is so large
 * (Lustre has such, and overlays that tell layers apart by them) that it is rounded, so that neighbours look like one file.
 */
function createIdentify(): (pathOf: PathOf, inode: Inode) => Inode {
  const keepers = new Map<number, boolean>();
  return (pathOf, inode) => {
    let isKept = keepers.get(inode.dev);
    if (isKept === undefined) keepers.set(inode.dev, (isKept = keepsInodeNumbers(pathOf())));
    if (isKept && inode.ino <= Number.MAX_SAFE_INTEGER) return inode;
    const digest = digestOf(hashBytes('md5', Buffer.from(`${inode.ino} ${pathOf()}`)));
    return { dev: inode.dev, ino: Number.parseInt(digest.slice(0, NUMBER_DIGITS), 16) };
  };
}

/** Opens the memo; a missing or damaged file is an empty memo. `nowMs` dates the use of rows. */
export function createMemo(file: string, nowMs: number): Memo {
  let { rows, hashes, count, slots } = loadRows(file);
  let dirty = false;
  let looksAtAll = false;
  /** An object was hashed or came. */
  let hasNewObjects = false;

  const identify = createIdentify();
  const rowOf = (pathOf: PathOf, look: Inode): number =>
    slots[slotOf(slots, rows, identify(pathOf, look))] ?? NO_ROW;
  const isMd5 = (row: number): boolean => ((rows[row * STRIDE + FLAGS] ?? 0) & FLAG_MD5) !== 0;
  const isObject = (row: number): boolean => ((rows[row * STRIDE + FLAGS] ?? 0) & FLAG_OBJECT) !== 0;

  function hashOf(row: number): ContentHash {
    const md5 = isMd5(row);
    const digest = hashes.toString('hex', row * HASH_BYTES, row * HASH_BYTES + (md5 ? 16 : HASH_BYTES));
    return md5 ? `md5:${digest}` : `sha256:${digest}`;
  }

  /** The row of a file that looks as it did. */
  function match(pathOf: PathOf, stat: FileLook): number {
    const row = rowOf(pathOf, stat);
    if (row === NO_ROW) return NO_ROW;
    const at = row * STRIDE;
    if (rows[at + SIZE] !== stat.size || rows[at + MTIME] !== stat.mtimeMs || rows[at + MODE] !== stat.mode)
      return NO_ROW;
    if (isObject(row) && (stat.mode & 0o777 & ~OBJECT_MODE) === 0) return row;
    if (rows[at + CTIME] !== stat.ctimeMs) return NO_ROW;
    // One that changed just before it was hashed may have changed again without its times moving. An mtime that was still to come
    // had been set (by who unpacks an archive, say), and ctime says when.
    const seen = rows[at + SEEN] ?? 0;
    const changedMs = stat.mtimeMs > seen ? stat.ctimeMs : Math.max(stat.mtimeMs, stat.ctimeMs);
    return wasQuiet(changedMs, seen) ? row : NO_ROW;
  }

  function find(pathOf: PathOf, stat: FileLook, algorithm: HashAlgorithm): number {
    const row = match(pathOf, stat);
    if (row === NO_ROW) return NO_ROW;
    rows[row * STRIDE + USED] = nowMs;
    return isMd5(row) === (algorithm === 'md5') ? row : NO_ROW;
  }

  function reserve(): number {
    if ((count + 1) * STRIDE > rows.length) {
      const capacity = Math.max(256, Math.ceil(count * 1.25));
      const moreRows = new Float64Array(capacity * STRIDE);
      moreRows.set(rows.subarray(0, count * STRIDE));
      const moreHashes = Buffer.alloc(capacity * HASH_BYTES);
      hashes.copy(moreHashes, 0, 0, count * HASH_BYTES);
      rows = moreRows;
      hashes = moreHashes;
    }
    return count++;
  }

  const byAge = nowMs - KEEP_MS;

  /** Files that were not used after this instant are forgotten; objects have only their age against them. */
  function oldestFile(): number {
    if (!looksAtAll) return byAge;
    let met = 0;
    const others: number[] = [];
    for (let row = 0; row < count; row++) {
      const used = rows[row * STRIDE + USED] ?? 0;
      if (isObject(row)) continue;
      if (used === nowMs) met++;
      else others.push(used);
    }
    const spare = Math.max(SPARE_ROWS, 2 * met);
    return Math.max(byAge, others.sort((a, b) => b - a)[spare] ?? byAge);
  }

  /**
   * Tells rows of objects whose bytes have come anew: a cache has one file of each content, so theirs are gone. Who removes a
   * cache and fetches it again would have the rows of both for a month, and each command would read them.
   */
  function findReplaced(): (row: number) => boolean {
    // So much of a digest will do: of the row that is let go for nothing the object is hashed once more.
    const startOf = (row: number): number => hashes.readUIntLE(row * HASH_BYTES, 6);
    const isNow = (row: number): boolean => rows[row * STRIDE + USED] === nowMs;
    const came = new Set<number>();
    for (let row = 0; row < count; row++) if (isObject(row) && isNow(row)) came.add(startOf(row));
    return (row) => isObject(row) && !isNow(row) && came.has(startOf(row));
  }

  return {
    find,
    isObject,
    hashOf,
    lookup(pathOf, stat, algorithm) {
      const row = find(pathOf, stat, algorithm);
      return row === NO_ROW ? undefined : hashOf(row);
    },
    writeDigest(row, target, at) {
      const from = row * HASH_BYTES;
      const bytes = isMd5(row) ? 16 : HASH_BYTES;
      for (let byte = 0; byte < bytes; byte++) {
        const value = hashes[from + byte] ?? 0;
        target[at + byte * 2] = HEX[value >> 4] ?? 0;
        target[at + byte * 2 + 1] = HEX[value & 15] ?? 0;
      }
    },
    isVerifiedObject(pathOf, stat, hash) {
      const row = match(pathOf, stat);
      return row !== NO_ROW && isObject(row) && hashOf(row) === hash;
    },
    isAsHashed(pathOf, stat, hash) {
      const row = rowOf(pathOf, stat);
      if (row === NO_ROW) return false;
      const at = row * STRIDE;
      return rows[at + SIZE] === stat.size && rows[at + MTIME] === stat.mtimeMs && hashOf(row) === hash;
    },
    remember(pathOf, look, hash, { seenAt, object }) {
      const inode = identify(pathOf, look);
      let slot = slotOf(slots, rows, inode);
      let row = slots[slot] ?? NO_ROW;
      if (row === NO_ROW) {
        if (slots.length < slotsFor(count + 1)) {
          slots = indexRows(rows, count, slotsFor(count + 1));
          slot = slotOf(slots, rows, inode);
        }
        row = reserve();
        slots[slot] = row;
      }
      const at = row * STRIDE;
      rows[at + DEV] = inode.dev;
      rows[at + INO] = inode.ino;
      rows[at + SIZE] = look.size;
      rows[at + MTIME] = look.mtimeMs;
      rows[at + CTIME] = look.ctimeMs;
      rows[at + MODE] = look.mode;
      rows[at + SEEN] = seenAt;
      rows[at + USED] = nowMs;
      rows[at + FLAGS] = (object ? FLAG_OBJECT : 0) | (algorithmOf(hash) === 'md5' ? FLAG_MD5 : 0);
      hashes.write(digestOf(hash), row * HASH_BYTES, 'hex');
      dirty = true;
      hasNewObjects ||= object;
    },
    forget(pathOf, look) {
      const row = rowOf(pathOf, look);
      if (row === NO_ROW) return;
      rows[row * STRIDE + USED] = 0;
      dirty = true;
    },
    lookAtAll() {
      looksAtAll = true;
    },
    save() {
      const oldest = oldestFile();
      if (!dirty && oldest === byAge) return;
      const isReplaced = hasNewObjects ? findReplaced() : undefined;
      saveRows(file, { rows, hashes, count, slots }, (row) => {
        const used = rows[row * STRIDE + USED] ?? 0;
        return used > (isObject(row) ? byAge : oldest) && isReplaced?.(row) !== true;
      });
      dirty = false;
    },
  };
}
