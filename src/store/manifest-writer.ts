import { DIGITS } from '../base/hash.ts';
import type { HashAlgorithm } from '../base/types.ts';

/** A directory manifest that is written file by file, in the order of the paths; the same bytes as `formatManifest`. */
export interface ManifestWriter {
  /**
   * Adds the file `<prefix><name>` and returns where its digest belongs in `bytes()`: as many hex digits as the
   * algorithm has, to be written at any time.
   */
  add(prefix: string, name: string): number;
  /** What has been written, to be written into; not valid after the next `add`. */
  bytes(): Buffer;
  /** The path of a file, by where its digest belongs and where the next file's does (`undefined` for the last one). */
  pathAt(digest: number, next: number | undefined): string;
  /** Closes the list: the whole manifest. */
  end(): Buffer;
}

/** What stands before the digest of an entry. */
export function startOf(algorithm: HashAlgorithm): string {
  return `{"${algorithm}": "`;
}

/** What stands between digest and path. */
export const MIDDLE = '", "relpath": "';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Text is put together as bytes, because 100,000 strings of a hundred characters keep the garbage collector busy. */
export function createManifestWriter(algorithm: HashAlgorithm): ManifestWriter {
  const start = Buffer.from(startOf(algorithm));
  const middle = Buffer.from(MIDDLE);
  const fixed = 2 + start.length + DIGITS[algorithm] + middle.length + 2;
  let target = Buffer.from('[');
  let length = 1;
  let isClosed = false;

  function reserve(more: number): void {
    if (length + more <= target.length) return;
    const larger = Buffer.allocUnsafe(Math.max(target.length * 2, 4096, length + more));
    target.copy(larger, 0, 0, length);
    target = larger;
  }

  function putBytes(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at++) target[length + at] = bytes[at] ?? 0;
    length += bytes.length;
  }

  /** False when a character must be escaped. */
  function putPlain(text: string): boolean {
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      if (unit < 0x20 || unit > 0x7e || unit === QUOTE || unit === BACKSLASH) return false;
      target[length + at] = unit;
    }
    length += text.length;
    return true;
  }

  return {
    add(prefix, name) {
      // A unit is six bytes at most: \u and four digits.
      reserve(fixed + (prefix.length + name.length) * 6);
      if (length > 1) {
        target[length++] = 0x2c;
        target[length++] = 0x20;
      }
      putBytes(start);
      const digest = length;
      length += DIGITS[algorithm];
      putBytes(middle);
      const path = length;
      if (!putPlain(prefix) || !putPlain(name)) {
        length = path + target.write(escapeAsPython(prefix + name), path, 'latin1');
      }
      target[length++] = QUOTE;
      target[length++] = 0x7d;
      return digest;
    },
    bytes: () => target,
    pathAt(digest, next) {
      const from = digest + DIGITS[algorithm] + middle.length - 1;
      const to = next === undefined ? length - (isClosed ? 2 : 1) : next - start.length - 3;
      return JSON.parse(target.toString('latin1', from, to)) as string;
    },
    end() {
      reserve(1);
      target[length++] = 0x5d;
      isClosed = true;
      return target.subarray(0, length);
    },
  };
}

/** Python's `json.dumps` of a string, without the quotes: everything outside U+0020–U+007E escaped, DEL too. */
export function escapeAsPython(text: string): string {
  return JSON.stringify(text)
    .slice(1, -1)
    .replaceAll(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
