import { digestOf } from '../base/hash.ts';
import type { ContentHash, HashAlgorithm } from '../base/types.ts';
import type { FileLook } from './memo.ts';

/** A file that something is to be done with. */
export interface BlockFile {
  /** Absolute path. */
  readonly path: string;
  readonly look: FileLook;
  readonly hash?: ContentHash;
}

/** States of a file: nothing has been done with it, or it could not be done; it is done; it was sealed as well. */
export const OPEN = 0;
export const DONE = 1;
export const SEALED = 2;

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
  lookOf(index: number): FileLook;
  setLook(index: number, look: FileLook): void;
  hashOf(index: number, algorithm: HashAlgorithm): ContentHash;
  setHash(index: number, hash: ContentHash): void;
  stateOf(index: number): number;
  setState(index: number, state: number): void;
}

const HEAD = 2;
const LOOK = 6;
const DIGEST_BYTES = 32;

/** Layout: numbers of all looks, head (count, next), end of each path, digests, states, paths. */
export function packFiles(files: readonly BlockFile[]): FileBlock {
  const count = files.length;
  const bytes = files.reduce((sum, { path }) => sum + Buffer.byteLength(path), 0);
  const memory = new SharedArrayBuffer(sizeOf(count) + bytes);
  new Int32Array(memory, count * LOOK * 8, HEAD)[0] = count;
  const ends = new Uint32Array(memory, count * LOOK * 8 + HEAD * 4, count);
  const paths = Buffer.from(memory, sizeOf(count));
  const block = openBlock(memory, count);
  let end = 0;
  for (const [index, { path, look, hash }] of files.entries()) {
    ends[index] = end += paths.write(path, end);
    block.setLook(index, look);
    if (hash !== undefined) block.setHash(index, hash);
  }
  return block;
}

function sizeOf(count: number): number {
  return count * (LOOK * 8 + 4 + DIGEST_BYTES + 1) + HEAD * 4;
}

/** The block that another thread has packed. */
export function openBlock(memory: SharedArrayBuffer, count: number): FileBlock {
  const looks = new Float64Array(memory, 0, count * LOOK);
  const head = new Int32Array(memory, looks.byteLength, HEAD);
  const ends = new Uint32Array(memory, looks.byteLength + head.byteLength, count);
  const digestsAt = looks.byteLength + head.byteLength + ends.byteLength;
  const digests = Buffer.from(memory, digestsAt, count * DIGEST_BYTES);
  const states = new Uint8Array(memory, digestsAt + digests.length, count);
  const paths = Buffer.from(memory, sizeOf(count));
  return {
    memory,
    count,
    take() {
      const index = Atomics.add(head, 1, 1);
      return index < count ? index : -1;
    },
    pathOf: (index) => paths.toString('utf8', index === 0 ? 0 : ends[index - 1], ends[index]),
    lookOf(index) {
      const [dev = 0, ino = 0, size = 0, mode = 0, mtimeMs = 0, ctimeMs = 0] = looks.subarray(
        index * LOOK,
        (index + 1) * LOOK,
      );
      return { dev, ino, size, mode, mtimeMs, ctimeMs };
    },
    setLook(index, { dev, ino, size, mode, mtimeMs, ctimeMs }) {
      const at = index * LOOK;
      looks[at] = dev;
      looks[at + 1] = ino;
      looks[at + 2] = size;
      looks[at + 3] = mode;
      looks[at + 4] = mtimeMs;
      looks[at + 5] = ctimeMs;
    },
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
