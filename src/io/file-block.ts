import { digestOf } from '../base/hash.ts';
import type { ContentHash, HashAlgorithm } from '../base/types.ts';
import type { FileLook } from './hash-file.ts';

/** A file that something is to be done with. */
export interface BlockFile {
  /** Absolute path. */
  readonly path: string;
  readonly look: FileLook;
  /** The hash that its bytes should have. */
  readonly hash?: ContentHash;
  /** Absolute path of its copy. */
  readonly to?: string;
}

/**
 * States of a file: nothing has been done with it, or it could not be done; it is done; its bytes are ready as well; it is to
 * become an object.
 */
export const OPEN = 0;
export const DONE = 1;
export const READY = 2;
export const WANTED = 3;

/**
 * Files that several threads work on at once: all of it lies in shared memory, so that nothing is cloned and no thread
 * has to be asked what it found.
 */
export interface FileBlock {
  readonly memory: SharedArrayBuffer;
  readonly count: number;
  /** The next file that no thread has taken; -1 when there is none. */
  take(): number;
  /** Has all files taken once more; no thread may be at work on them. */
  rewind(): void;
  pathOf(index: number): string;
  /** As in `BlockFile`; empty when there is none. */
  targetOf(index: number): string;
  /** As it was seen. */
  lookOf(index: number): FileLook;
  setLook(index: number, look: FileLook): void;
  /** What has been made of it: the file after it was sealed, or its copy. */
  madeOf(index: number): FileLook;
  setMade(index: number, look: FileLook): void;
  hashOf(index: number, algorithm: HashAlgorithm): ContentHash;
  setHash(index: number, hash: ContentHash): void;
  stateOf(index: number): number;
  setState(index: number, state: number): void;
}

/** A file of a block. */
export interface PlaceInBlock {
  readonly block: FileBlock;
  readonly index: number;
}

/** Numbers of a look; there are two for each file. */
const LOOK = 6;
const LOOKS = 2;
const DIGEST_BYTES = 32;
/** A path and a target. */
const TEXTS = 2;
const FILE_BYTES = LOOKS * LOOK * 8 + TEXTS * 4 + DIGEST_BYTES + 1;
const NEXT_BYTES = 4;

/** The files of a block, in the memory that threads share. */
export function packFiles(files: readonly BlockFile[]): FileBlock {
  const texts = files.flatMap(({ path, to = '' }) => [path, to]);
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const memory = new SharedArrayBuffer(files.length * FILE_BYTES + NEXT_BYTES + bytes);
  const columns = columnsOf(memory, files.length);
  let end = 0;
  for (const [at, text] of texts.entries()) columns.ends[at] = end += columns.texts.write(text, end);
  const block = openBlock(memory, files.length);
  for (const [index, { look, hash }] of files.entries()) {
    block.setLook(index, look);
    if (hash !== undefined) block.setHash(index, hash);
  }
  return block;
}

interface Columns {
  readonly looks: Float64Array;
  /** One number: the next file to be taken. */
  readonly next: Int32Array;
  /** Where each of `texts` ends. */
  readonly ends: Uint32Array;
  readonly digests: Buffer;
  readonly states: Uint8Array;
  readonly texts: Buffer;
}

/** What needs alignment comes first. */
function columnsOf(memory: SharedArrayBuffer, count: number): Columns {
  const looks = new Float64Array(memory, 0, count * LOOKS * LOOK);
  const next = new Int32Array(memory, looks.byteLength, 1);
  const ends = new Uint32Array(memory, looks.byteLength + NEXT_BYTES, count * TEXTS);
  const digestsAt = looks.byteLength + NEXT_BYTES + ends.byteLength;
  const digests = Buffer.from(memory, digestsAt, count * DIGEST_BYTES);
  const states = new Uint8Array(memory, digestsAt + digests.length, count);
  return { looks, next, ends, digests, states, texts: Buffer.from(memory, count * FILE_BYTES + NEXT_BYTES) };
}

/** The block that another thread has packed. */
export function openBlock(memory: SharedArrayBuffer, count: number): FileBlock {
  const { looks, next, ends, digests, states, texts } = columnsOf(memory, count);
  const textAt = (at: number): string => texts.toString('utf8', at === 0 ? 0 : ends[at - 1], ends[at]);
  // Taking a typed array apart, or setting it from a list, goes element by element through iterators.
  const number = (at: number): number => looks[at] ?? 0;
  const lookAt = (row: number): FileLook => {
    const at = row * LOOK;
    return {
      dev: number(at),
      ino: number(at + 1),
      size: number(at + 2),
      mode: number(at + 3),
      mtimeMs: number(at + 4),
      ctimeMs: number(at + 5),
    };
  };
  const setLookAt = (row: number, look: FileLook): void => {
    const at = row * LOOK;
    looks[at] = look.dev;
    looks[at + 1] = look.ino;
    looks[at + 2] = look.size;
    looks[at + 3] = look.mode;
    looks[at + 4] = look.mtimeMs;
    looks[at + 5] = look.ctimeMs;
  };
  return {
    memory,
    count,
    take() {
      const index = Atomics.add(next, 0, 1);
      return index < count ? index : -1;
    },
    rewind: () => void Atomics.store(next, 0, 0),
    pathOf: (index) => textAt(index * TEXTS),
    targetOf: (index) => textAt(index * TEXTS + 1),
    lookOf: (index) => lookAt(index * LOOKS),
    setLook: (index, look) => setLookAt(index * LOOKS, look),
    madeOf: (index) => lookAt(index * LOOKS + 1),
    setMade: (index, look) => setLookAt(index * LOOKS + 1, look),
    hashOf(index, algorithm) {
      const at = index * DIGEST_BYTES;
      return `${algorithm}:${digests.toString('hex', at, at + (algorithm === 'md5' ? 16 : DIGEST_BYTES))}`;
    },
    setHash(index, hash) {
      digests.write(digestOf(hash), index * DIGEST_BYTES, 'hex');
    },
    stateOf: (index) => states[index] ?? OPEN,
    setState(index, state) {
      states[index] = state;
    },
  };
}
