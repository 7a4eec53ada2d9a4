import { createHash, hash } from 'node:crypto';
import { readIfExists, writeFileAtomic } from './files.ts';

const SEAL_BYTES = 32;

/**
 * Writes bytes that end in a checksum of themselves: for private state (memo, snapshot) that is cheap to rebuild and
 * must never be believed when damaged.
 */
export function writeSealed(path: string, ...parts: readonly Uint8Array[]): void {
  const seal = createHash('sha256');
  for (const part of parts) seal.update(part);
  writeFileAtomic(path, [...parts, seal.digest()], { durable: false, mode: 0o600 });
}

/** The bytes under a seal; `undefined` when the file is missing, short or damaged. */
export function readSealed(path: string): Buffer | undefined {
  const bytes = readIfExists(path);
  if (bytes === undefined || bytes.length < SEAL_BYTES) return undefined;
  const data = bytes.subarray(0, -SEAL_BYTES);
  return hash('sha256', data, 'buffer').equals(bytes.subarray(-SEAL_BYTES)) ? data : undefined;
}
