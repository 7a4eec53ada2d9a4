import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createRunningHash, hashBytes } from '../base/hash.ts';
import type { ContentHash, HashAlgorithm } from '../base/types.ts';

/** The hash of one file's bytes, read through the given buffer; a system error is returned, not thrown. */
export function hashFile(path: string, algorithm: HashAlgorithm, buffer: Buffer): ContentHash | Error {
  try {
    const fd = openSync(path, 'r');
    try {
      if (!fstatSync(fd).isFile())
        return Object.assign(new Error(`"${path}" is not a file`), { code: 'EISDIR' });
      let read = readSync(fd, buffer, 0, buffer.length, null);
      if (read < buffer.length) {
        // A short read is the end only when another one returns nothing.
        const more = readSync(fd, buffer, read, buffer.length - read, null);
        if (more === 0) return hashBytes(algorithm, buffer.subarray(0, read));
        read += more;
      }
      const running = createRunningHash(algorithm);
      while (read > 0) {
        running.update(buffer.subarray(0, read));
        read = readSync(fd, buffer, 0, buffer.length, null);
      }
      return running.end();
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return error as Error;
  }
}
