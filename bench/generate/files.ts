import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from './random.ts';

/** What a folder of files looks like. */
export interface Shape {
  readonly files: number;
  /** Bytes of each file, from `minSize` to `maxSize`. */
  readonly minSize: number;
  readonly maxSize: number;
  readonly folders: number;
}

/** 20,000 files of 100 KiB: pictures, documents. */
export const PICTURES: Shape = { files: 20_000, minSize: 102_400, maxSize: 102_400, folders: 20 };
/** 70,000 files of 150 to 390 bytes, the shape of the MNIST digits as single files. */
export const DIGITS: Shape = { files: 70_000, minSize: 150, maxSize: 390, folders: 20 };
/** Four files of 1 GiB. */
export const GIANTS: Shape = { files: 4, minSize: 2 ** 30, maxSize: 2 ** 30, folders: 1 };

/** A smaller folder of the same kind: fewer files, or smaller ones where there are only a few. */
export function scaleDown(shape: Shape): Shape {
  if (shape.files > 100) return { ...shape, files: shape.files / 10, folders: 5 };
  return { ...shape, minSize: shape.minSize / 16, maxSize: shape.maxSize / 16 };
}

const BLOCK = 2 ** 20;

/** Writes the files `<folder>/<two digits>/<number>.bin`; no two have the same content. */
export function generateFiles(folder: string, shape: Shape, seed = 1): void {
  const random = createRandom(seed);
  const block = new Uint8Array(BLOCK);
  random.scatter(block);
  for (let index = 0; index < shape.folders; index++)
    mkdirSync(join(folder, folderName(index)), { recursive: true });
  for (let index = 0; index < shape.files; index++) {
    const path = filePath(folder, shape, index);
    const size = shape.minSize + random.below(shape.maxSize - shape.minSize + 1);
    if (size > BLOCK) writeLarge(path, { size, block, index });
    else {
      const from = random.below(BLOCK - size + 1);
      const bytes = block.slice(from, from + size);
      stamp(bytes, index, 0);
      writeFileSync(path, bytes);
    }
  }
}

/** The path of one file of a generated folder. */
export function filePath(folder: string, shape: Shape, index: number): string {
  return join(folder, folderName(index % shape.folders), `${String(index).padStart(6, '0')}.bin`);
}

function folderName(index: number): string {
  return String(index).padStart(2, '0');
}

function writeLarge(
  path: string,
  { size, block, index }: { size: number; block: Uint8Array; index: number },
): void {
  const file = openSync(path, 'w');
  for (let written = 0; written < size; written += block.length) {
    stamp(block, index, written / BLOCK);
    writeSync(file, block, 0, Math.min(block.length, size - written));
  }
  closeSync(file);
}

/** Makes equal random bytes differ: contents are drawn from one block, which is faster than new ones for each file. */
function stamp(bytes: Uint8Array, file: number, part: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint32(0, file);
  view.setUint32(4, part);
}

/** Bytes of all files together, at most. */
export function bytesOf(shape: Shape): number {
  return shape.files * shape.maxSize;
}
