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
  /** Absolute path of its copy, or of its second name. */
  readonly to?: string;
}

/** States of a file: nothing has been done with it, or it could not be done; it is done; its bytes are ready as well. */
export const OPEN = 0;
export const DONE = 1;
export const READY = 2;

/**
 * Files that several threads work on at once: all of it lies in shared memory, so that nothing is cloned and no thread
 * has to be asked what it found.
 */
export interface FileBlock {
  readonly memory: SharedArrayBuffer;
  readonly count: number;
  /** The next file that no thread has taken; -1 when there is none. */
  take(): number;
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
  const lookAt = (at: number): FileLook => {
    const [dev = 0, ino = 0, size = 0, mode = 0, mtimeMs = 0, ctimeMs = 0] = looks.subarray(
      at * LOOK,
      (at + 1) * LOOK,
    );
    return { dev, ino, size, mode, mtimeMs, ctimeMs };
  };
  const setLookAt = (at: number, { dev, ino, size, mode, mtimeMs, ctimeMs }: FileLook): void =>
    looks.set([dev, ino, size, mode, mtimeMs, ctimeMs], at * LOOK);
  return {
    memory,
    count,
    take() {
      const index = Atomics.add(next, 0, 1);
      return index < count ? index : -1;
    },
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
