import { closeSync, fstatSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import type { Stats } from 'node:fs';
import type { PipelineError } from '../base/error.ts';
import { algorithmOf, createRunningHash } from '../base/hash.ts';
import type { ContentHash, HashAlgorithm } from '../base/types.ts';
import { modeOfCopy, setMode } from '../io/modes.ts';
import type { CopyRights } from '../io/modes.ts';

export interface Expected {
  readonly hash: ContentHash;
  readonly rights: CopyRights;
  /** Made when the bytes are others. */
  readonly mismatch: () => PipelineError;
}

/**
 * Copies bytes and throws unless they hash to what is expected, leaving nothing; the target must not exist. Returns the
 * stat of the copy.
 */
export async function copyHashed(
  from: string,
  to: string,
  { hash, rights, mismatch }: Expected,
): Promise<Stats> {
  const algorithm = algorithmOf(hash);
  const source = openSync(from, 'r');
  try {
    const mode = modeOfCopy(rights, fstatSync(source).mode);
    const target = openSync(to, 'wx', mode);
    try {
      const real = await pump(source, target, algorithm);
      if (real !== hash) throw mismatch();
      const stat = fstatSync(target);
      if (rights === 'file' || (stat.mode & 0o777) === mode) return stat;
      return setMode(target, mode) ? fstatSync(target) : stat;
    } finally {
      closeSync(target);
    }
  } catch (error) {
    rmSync(to, { force: true });
    throw error;
  } finally {
    closeSync(source);
  }
}

/** After so many bytes whatever else waits has its turn: a Ctrl-C, for one. */
const TURN_BYTES = 16 * 1024 * 1024;

/** Copies to the end and returns the hash of what was written. */
async function pump(source: number, target: number, algorithm: HashAlgorithm): Promise<ContentHash> {
  const running = createRunningHash(algorithm);
  const buffer = Buffer.allocUnsafe(Math.min(1024 * 1024, Math.max(4096, fstatSync(source).size + 1)));
  let inTurn = 0;
  for (let read = readSync(source, buffer); read > 0; read = readSync(source, buffer)) {
    const chunk = buffer.subarray(0, read);
    running.update(chunk);
    writeFileSync(target, chunk);
    inTurn += read;
    if (inTurn < TURN_BYTES) continue;
    inTurn = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return running.end();
}
