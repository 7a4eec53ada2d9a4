import { sha256Hex } from './hash.ts';

/** Most file systems hold 255 bytes in a name. */
const MAX_LENGTH = 120;

/**
 * A stage's name as the name of one file or folder. Letters, digits, `-`, `_`, `@` and inner dots stay; other characters
 * are written as `%` and their UTF-8 bytes in hex, so that no name leads to another folder; a long one is cut and ends in
 * a hash of the whole.
 */
export function fileNameOf(stage: string): string {
  const safe = [...Buffer.from(stage)]
    .map((byte, i) => {
      const char = String.fromCharCode(byte);
      return /[\w@-]/.test(char) || (char === '.' && i > 0) ? char : `%${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
  return safe.length <= MAX_LENGTH ? safe : `${safe.slice(0, MAX_LENGTH)}-${sha256Hex(stage).slice(0, 8)}`;
}
