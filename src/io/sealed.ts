import { crc32 } from 'node:zlib';
import { PipelineError, isSystemError } from '../base/error.ts';
import { readIfExists, writeFileAtomic } from './files.ts';

const SEAL_BYTES = 4;
/** Node reads no larger file at once. */
const MOST_BYTES = 2 ** 31 - 1;

/**
 * Writes bytes that end in a checksum of themselves (CRC-32, little endian): for private state (memo, snapshot) that is
 * cheap to rebuild and must never be believed when damaged. Nothing in it is believed against malice.
 */
export function writeSealed(path: string, ...parts: readonly Uint8Array[]): void {
  const seal = Buffer.alloc(SEAL_BYTES);
  seal.writeUInt32LE(parts.reduce((sum, part) => crc32(part, sum), 0));
  writeFileAtomic(path, [...parts, seal], { durable: false, mode: 0o600 });
}

/** The bytes under a seal; `undefined` when the file is missing, someone else's, short or damaged. */
export function readSealed(path: string): Buffer | undefined {
  const bytes = readIfAllowed(path);
  if (bytes === undefined || bytes.length < SEAL_BYTES) return undefined;
  const data = bytes.subarray(0, -SEAL_BYTES);
  return crc32(data) === bytes.readUInt32LE(data.length) ? data : undefined;
}

/** The same of a value that plain JSON can hold. */
export function writeSealedJson(path: string, value: unknown): void {
  writeSealed(path, Buffer.from(JSON.stringify(value)));
}

/** The JSON under a seal; `undefined` also for what is none: another version may write otherwise under its seal. */
export function readSealedJson(path: string): unknown {
  const data = readSealed(path);
  try {
    return data && (JSON.parse(data.toString('utf8')) as unknown);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** What only saves time is done without. */
function readIfAllowed(path: string): Buffer | undefined {
  try {
    return readIfExists(path, MOST_BYTES);
  } catch (error) {
    if (error instanceof PipelineError || isSystemError(error, 'EACCES')) return undefined;
    throw error;
  }
}
