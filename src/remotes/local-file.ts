import { closeSync, openSync, readSync } from 'node:fs';
import { algorithmOf, hashBytes, withoutDir } from '../base/hash.ts';
import type { ContentHash } from '../base/types.ts';
import { transferChanged } from './verify.ts';

/** Files up to this size are read whole: two calls of the system instead of a loop. */
export const WHOLE_BYTES: number = 4 * 1024 * 1024;

/** What is known of a file's bytes. */
export interface Known {
  readonly size: number;
  readonly hash: ContentHash | undefined;
}

/** The bytes of a file; throws `transfer.changed` when they are not what is known of them, or cannot be read. */
export function readWholeFile(file: string, { size, hash }: Known): Buffer {
  const bytes = readWhole(file, size);
  checkSize(file, { size: bytes.length, wanted: size });
  if (hash) checkHash(file, hashBytes(algorithmOf(hash), bytes), hash);
  return bytes;
}

/** Up to one byte more than expected, which shows that the file has grown. */
function readWhole(file: string, size: number): Buffer {
  const buffer = Buffer.allocUnsafe(size + 1);
  const fd = openLocal(file);
  try {
    let length = 0;
    for (;;) {
      const read = readSync(fd, buffer, length, buffer.length - length, null);
      length += read;
      if (read === 0 || length === buffer.length) return buffer.subarray(0, length);
    }
  } finally {
    closeSync(fd);
  }
}

/** Opens a file for reading; throws `transfer.changed` when that fails. */
export function openLocal(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (error) {
    throw transferChanged(
      file,
      `it cannot be read (${error instanceof Error ? error.message : String(error)})`,
    );
  }
}

/** Throws `transfer.changed` when a file has another size than it had. */
export function checkSize(
  file: string,
  { size, wanted }: { readonly size: number; readonly wanted: number },
): void {
  if (size !== wanted) throw transferChanged(file, `it no longer has ${wanted} bytes`);
}

/** Throws `transfer.changed` when bytes of a file hash to something else. */
export function checkHash(file: string, real: ContentHash, wanted: ContentHash): void {
  if (real !== withoutDir(wanted)) throw transferChanged(file, `its bytes hash to ${real}`);
}
