import { isUtf8 } from 'node:buffer';
import { LineCounter } from 'yaml';
import type { Location } from '../base/types.ts';
import type { Report } from './report.ts';

/** A file's text and how an offset in it becomes a place. */
export interface Source {
  readonly file: string;
  readonly text: string;
  /** The place of `length` characters from an offset, cut at the end of their first line; never shorter than 1. */
  place(offset: number, length: number): Location;
}

/**
 * Decodes a file as UTF-8 (a byte order mark is dropped) and refuses what no parser should see: other encodings
 * (`yaml.encoding`) and the marks an unfinished merge leaves behind (`yaml.conflict`).
 */
export function decodeSource(file: string, bytes: Uint8Array, report: Report): Source | undefined {
  if (!isUtf8(bytes)) {
    const start = lengthOfUtf8(bytes);
    const before = createSource(file, decode(bytes.subarray(0, start)));
    const shown = bytes[start]?.toString(16).toUpperCase().padStart(2, '0');
    report.add('yaml.encoding', `"${file}" is not UTF-8: byte 0x${shown} at offset ${start}`, {
      at: before.place(before.text.length, 1),
      hint: 'save the file as UTF-8',
    });
    return undefined;
  }
  const source = createSource(file, decode(bytes));
  // At the start of a line neither mark begins anything that YAML or JSON could mean.
  const conflict = /^(?:<{7}|>{7})(?: .*)?$/m.exec(source.text);
  if (conflict) {
    report.add('yaml.conflict', `"${file}" has an unfinished merge: a conflict marker stands here`, {
      at: source.place(conflict.index, conflict[0].trimEnd().length),
      hint: 'take either side and delete the marker lines',
    });
    return undefined;
  }
  return source;
}

/** Without its byte order mark; what is no UTF-8 becomes U+FFFD. */
function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Length of the longest prefix that is UTF-8, of bytes that are not. */
function lengthOfUtf8(bytes: Uint8Array): number {
  const mended = new TextEncoder().encode(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
  let length = mended.findIndex((byte, at) => byte !== bytes[at]);
  // U+FFFD may begin like what it stands for.
  while (!isUtf8(bytes.subarray(0, length))) length--;
  return length;
}

function createSource(file: string, text: string): Source {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let i = text.indexOf('\n'); i !== -1; i = text.indexOf('\n', i + 1)) lines.addNewLine(i + 1);
  return {
    file,
    text,
    place(offset, length) {
      const { line, col } = lines.linePos(offset);
      const lineEnd = (lines.lineStarts[line] ?? text.length + 1) - 1;
      const end = Math.min(offset + length, text[lineEnd - 1] === '\r' ? lineEnd - 1 : lineEnd);
      return { file, line, column: col, length: Math.max(1, end - offset) };
    },
  };
}
