import type { PipelineError } from '../base/error.ts';
import { algorithmOf, hashBytes, withoutDir } from '../base/hash.ts';
import type { ContentHash } from '../base/types.ts';
import { readUpTo } from '../io/copy-small.ts';
import { cannotRead, transferChanged } from './verify.ts';

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

function readWhole(file: string, size: number): Buffer {
  try {
    return readUpTo(size + 1, file, Buffer.allocUnsafe(size + 1));
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** The error for a file of this machine that cannot be opened or read: the remote has no part in it. */
export function unreadable(file: string, error: unknown): PipelineError {
  return transferChanged(file, cannotRead(error));
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
